// Commands that print what is made from the command table.
#include <gander/plugins.h>

#include <iostream>

#include "../exit_codes.h"
#include "../help.h"
#include "../output.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kShell[] = {{"SHELL"}};
constexpr PositionalSpec kWords[] = {{"COMMAND", false, true}};
constexpr OptionSpec kManOptions[] = {{"markdown", "", "as docs/cli.md"}};

int run_completion(const Arguments& a) {
  if (a.text("SHELL") != "bash")
    throw UsageError{"there is completion for bash, not for '" + a.text("SHELL") + "'"};
  std::cout << bash_completion();
  return kOk;
}

int run_man(const Arguments& a) {
  std::cout << (a.has("markdown") ? markdown_page() : man_page());
  return kOk;
}

int run_help(const Arguments& a) {
  const std::string name = joined(a.list("COMMAND"), " ");
  if (name.empty()) {
    std::cout << help_of_all();
    return kOk;
  }
  if (const Command* command = find_command(name)) {
    std::cout << help_of(*command);
    return kOk;
  }
  const std::string group = help_of_group(name);
  if (group.empty()) throw UsageError{"there is no command '" + name + "'"};
  std::cout << group;
  return kOk;
}

int run_version(const Arguments& a) {
  if (a.json())
    print_json([](Writer& out) {
      out.begin_object();
      json_field(out, "version", GANDER_VERSION);
      json_field(out, "plugin_abi", plugin_abi());
      out.end_object();
    });
  else
    std::cout << "gander " GANDER_VERSION ", plugin ABI " << plugin_abi() << '\n';
  return kOk;
}

}  // namespace

const Command kCompletion{"completion",
                          "Print a completion script; SHELL is bash",
                          "source <(gander completion bash)",
                          kShell,
                          {},
                          0,
                          run_completion};
const Command kMan{
    "man", "Print this manual as a man page", "gander man | man -l -", {}, kManOptions, 0, run_man};
const Command kHelp{"help", "Explain a command, or list them", "", kWords, {}, 0, run_help};
const Command kVersion{"version", "Print the version", "", {}, {}, kJson, run_version};

}  // namespace gander::cli
