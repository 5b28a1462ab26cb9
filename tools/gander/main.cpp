// gander: finds the command, runs it, turns what went wrong into one line and an exit code.
#include <gander/conformance/kit.h>
#include <gander/error.h>

#include <algorithm>
#include <iostream>

#include "command.h"
#include "exit_codes.h"
#include "help.h"
#include "output.h"

namespace {

using namespace gander;
using namespace gander::cli;

// Which command the words name, longest first, and how many of them are its name.
std::pair<const Command*, std::size_t> command_of(const std::vector<std::string>& words) {
  for (std::size_t n = std::min<std::size_t>(3, words.size()); n > 0; --n) {
    const std::vector<std::string> name(words.begin(),
                                        words.begin() + static_cast<std::ptrdiff_t>(n));
    if (const Command* command = find_command(joined(name, " "))) return {command, n};
  }
  return {nullptr, 0};
}

int fail(bool json, std::string_view code_name, const std::string& text, int code) {
  if (json)
    print_json([&](Writer& out) {
      out.begin_object();
      out.key("error");
      out.begin_object();
      json_field(out, "code", code_name);
      json_field(out, "message", text);
      out.end_object();
      out.end_object();
    });
  else
    std::cerr << "gander: " << text << '\n';
  return code;
}

int no_command(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    (words.empty() ? std::cerr : std::cout) << help_of_all();
    return words.empty() ? kUsage : kOk;
  }
  if (words[0] == "--version") {
    const Command* version = find_command("version");
    return version->run(Arguments(*version, {}));
  }
  const bool asked = std::find(words.begin(), words.end(), "--help") != words.end();
  if (const std::string group = help_of_group(words[0]); !group.empty()) {
    (asked ? std::cout : std::cerr) << group;
    return asked ? kOk : kUsage;
  }
  std::cerr << "gander: there is no command '" << words[0] << "'; `gander help` lists them\n";
  return kUsage;
}

int run(const std::vector<std::string>& words) {
  const auto [command, n] = command_of(words);
  if (command == nullptr) return no_command(words);
  const Arguments arguments(*command,
                            {words.begin() + static_cast<std::ptrdiff_t>(n), words.end()});
  if (arguments.has("help")) {
    std::cout << help_of(*command);
    return kOk;
  }
  return command->run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto done = conformance::run_child(argc, argv)) return *done;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  try {
    return run(words);
  } catch (const UsageError& e) {
    const Command* command = command_of(words).first;
    const std::string more =
        command == nullptr ? "" : " (see gander " + std::string(command->name) + " --help)";
    return fail(json, "usage", e.text + more, kUsage);
  } catch (const Declined& e) {
    return fail(json, "no", e.text, kNo);
  } catch (const Error& e) {
    return fail(json, to_string(e.code()), e.what(), exit_code_of(e.code()));
  } catch (const std::exception& e) {
    return fail(json, "internal", e.what(), kDefect);
  }
}
