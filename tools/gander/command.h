// The command table: parsing, help, man page, completion and docs/cli.md are all made from it, so
// none of them can say what another does not.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gander::cli {

struct OptionSpec {
  std::string_view name;   // "queue", given as --queue
  std::string_view value;  // what stands for its value in help, "NAME"; empty: a flag
  std::string_view text;
  bool many = false;  // may be given again
};

struct PositionalSpec {
  std::string_view name;  // "ID"
  bool required = true;
  bool many = false;
};

// What most commands take beside their own options.
enum Common : unsigned {
  kJson = 1,
  kConfig = 2,  // --config, --plugin-path
  kBroker = 4,  // --broker
  kHidden = 8,  // in no list: for the program itself
  kAll = kJson | kConfig | kBroker
};

class Arguments;

struct Command {
  std::string_view name;      // "jobs list": one word or several
  std::string_view sentence;  // what it does, beginning with a capital, no full stop
  std::string_view detail;    // a paragraph more, or nothing
  std::span<const PositionalSpec> positionals;
  std::span<const OptionSpec> options;
  unsigned common;
  int (*run)(const Arguments&);  // returns the exit code; throws Error
};

// All of them, in the order of the help.
std::span<const Command* const> commands();
// A command by its whole name, or null.
const Command* find_command(std::string_view name);
// The command's options and the common ones it takes.
std::vector<OptionSpec> options_of(const Command& command);
// "gander enqueue NAME [ARGS] [options]"
std::string synopsis_of(const Command& command);

// A command line that is wrong: exit code 2, and a hint at the help.
struct UsageError {
  std::string text;
};

// The command's own 'no': exit code 1, said on standard error.
struct Declined {
  std::string text;
};

// What was given for one command.
class Arguments {
 public:
  // `words` without the command's own; throws UsageError.
  Arguments(const Command& command, const std::vector<std::string>& words);

  [[nodiscard]] const Command& command() const { return command_; }
  [[nodiscard]] bool has(std::string_view name) const;
  // The value of an option or positional, or `otherwise`.
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = {}) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  // A whole number within [min, max]; throws UsageError that names the option.
  [[nodiscard]] long long number(std::string_view name, long long otherwise, long long min,
                                 long long max) const;
  [[nodiscard]] bool json() const { return has("json"); }

 private:
  const Command& command_;
  std::map<std::string, std::vector<std::string>, std::less<>> given_;
};

}  // namespace gander::cli
