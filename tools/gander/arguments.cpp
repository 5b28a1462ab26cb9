// From words to Arguments, by CLI11 set up from the table.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <CLI/CLI.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <charconv>

#include "command.h"

namespace gander::cli {
namespace {

constexpr OptionSpec kHelp{"help", "", "this text"};
constexpr OptionSpec kJsonOption{"json", "", "print JSON, errors too"};
constexpr OptionSpec kBrokerOption{"broker", "WHERE", "a broker's name in the config, or a URL"};
constexpr OptionSpec kConfigOption{"config", "FILE", "instead of $GANDER_CONFIG or ./gander.toml"};
constexpr OptionSpec kPluginPath{"plugin-path", "DIR", "look for plugins here first", true};

std::string upper_name(const PositionalSpec& p) { return std::string(p.name); }

// CLI11 would make of "[1,2]" a list of two where an option may have several values, so each is
// told to take one at a time.
void add_option(CLI::App& app, const OptionSpec& spec, std::vector<std::string>& to) {
  const std::string name = "--" + std::string(spec.name);
  if (spec.value.empty()) {
    app.add_flag_callback(spec.name == "help" ? "-h," + name : name, [&to] { to = {"true"}; });
    return;
  }
  auto* option = app.add_option_function<std::vector<std::string>>(
      name, [&to](const std::vector<std::string>& values) { to = values; });
  option->expected(1)->allow_extra_args(false)->type_name(std::string(spec.value));
  option->multi_option_policy(spec.many ? CLI::MultiOptionPolicy::TakeAll
                                        : CLI::MultiOptionPolicy::Throw);
}

}  // namespace

std::vector<OptionSpec> options_of(const Command& command) {
  std::vector<OptionSpec> all(command.options.begin(), command.options.end());
  if ((command.common & kBroker) != 0) all.push_back(kBrokerOption);
  if ((command.common & kConfig) != 0) {
    all.push_back(kConfigOption);
    all.push_back(kPluginPath);
  }
  if ((command.common & kJson) != 0) all.push_back(kJsonOption);
  all.push_back(kHelp);
  return all;
}

std::string synopsis_of(const Command& command) {
  std::string out = "gander " + std::string(command.name);
  for (const PositionalSpec& p : command.positionals) {
    const std::string name = upper_name(p) + (p.many ? "..." : "");
    out += p.required ? " " + name : " [" + name + "]";
  }
  return out + " [options]";
}

Arguments::Arguments(const Command& command, const std::vector<std::string>& words)
    : command_(command) {
  CLI::App app;
  app.set_help_flag();
  for (const OptionSpec& spec : options_of(command))
    add_option(app, spec, given_[std::string(spec.name)]);
  std::vector<std::string> rest;
  app.allow_extras();
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(std::move(reversed));
    rest = app.remaining();
    const auto mark = std::find(rest.begin(), rest.end(), "--");
    const auto unknown = std::find_if(rest.begin(), mark, [](const std::string& word) {
      return word.size() > 1 && word.front() == '-';
    });
    if (unknown != mark) throw UsageError{"there is no option " + *unknown};
    if (mark != rest.end()) rest.erase(mark);
  } catch (const CLI::ParseError& e) {
    throw UsageError{e.what()};
  }
  if (has("help")) return;
  std::size_t next = 0;
  for (const PositionalSpec& p : command.positionals) {
    const std::size_t n =
        p.many ? rest.size() - next : std::min<std::size_t>(1, rest.size() - next);
    if (n == 0 && p.required) throw UsageError{upper_name(p) + " is missing"};
    auto& to = given_[std::string(p.name)];
    for (std::size_t i = 0; i < n; ++i) to.push_back(rest[next++]);
  }
  if (next != rest.size()) throw UsageError{"'" + rest[next] + "' is one argument too many"};
}

bool Arguments::has(std::string_view name) const {
  const auto found = given_.find(name);
  return found != given_.end() && !found->second.empty();
}

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() || found->second.empty() ? std::string(otherwise)
                                                        : found->second.front();
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? std::vector<std::string>{} : found->second;
}

long long Arguments::number(std::string_view name, long long otherwise, long long min,
                            long long max) const {
  if (!has(name)) return otherwise;
  const std::string value = text(name);
  long long number = 0;
  const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (ec != std::errc{} || end != value.data() + value.size() || number < min || number > max)
    throw UsageError{"--" + std::string(name) + " must be a whole number from " +
                     std::to_string(min) + " to " + std::to_string(max) + ", not '" + value + "'"};
  return number;
}

}  // namespace gander::cli
