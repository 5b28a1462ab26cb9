// The broker of gander::Testing: in memory, of one thread, simple before fast, and with a look
// inside.
#pragma once

#include <gander/sdk/plugin.h>

namespace gander {

// Of a plugin that was never a file.
const gander_plugin* testing_plugin();

}  // namespace gander
