// Whether a file may be mapped into this process: asked before it is.
#pragma once

#include <string>

namespace gander {

// The canonical path of a plugin file; throws Error(config) naming the file, what is wrong, and the
// remedy.
std::string checked_plugin_file(const std::string& file);

}  // namespace gander
