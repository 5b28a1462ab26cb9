// Texts made from the command table.
#pragma once

#include <string>

#include "command.h"

namespace gander::cli {

// The list of commands, and the exit codes. Both fit 80 columns and 24 lines.
std::string help_of_all();
std::string help_of(const Command& command);
// Those whose first word is `verb`: "gander jobs" alone.
std::string help_of_group(const std::string& verb);

// Roff, section 1.
std::string man_page();
// docs/cli.md
std::string markdown_page();
std::string bash_completion();

}  // namespace gander::cli
