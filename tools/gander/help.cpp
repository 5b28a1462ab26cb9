#include "help.h"

#include <algorithm>
#include <map>

#include "exit_codes.h"
#include "output.h"

namespace gander::cli {
namespace {

std::string verb_of(const Command& command) {
  return std::string(command.name.substr(0, command.name.find(' ')));
}

// What the overview says of verbs that are several commands.
const std::map<std::string, std::string>& group_sentences() {
  static const std::map<std::string, std::string> all = {
      {"queues", "count messages; pause, resume, purge a queue"},
      {"jobs", "list, show, retry, move, delete messages"},
      {"dead", "list, show, replay, delete, purge dead letters"},
      {"plugin", "list, info, schema, doctor, check, new broker"},
      {"config", "check, show"},
  };
  return all;
}

std::string lower_first(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[0])));
  return out;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 1, ' ');
}

std::string option_text(const OptionSpec& o) {
  std::string text = "--" + std::string(o.name);
  if (!o.value.empty()) text += " " + std::string(o.value);
  return text;
}

std::string exit_codes_line() {
  std::string text = "Exit codes: ";
  for (const ExitCodeText& e : kExitCodes)
    text += (e.code == 0 ? "" : ", ") + std::to_string(e.code) + " " + std::string(e.name);
  return wrapped(text + " (`gander help` says more).", 0);
}

}  // namespace

std::string help_of_all() {
  std::string out = "usage: gander COMMAND [options]      gander COMMAND --help says more\n";
  std::string last;
  for (const Command* command : commands()) {
    const std::string verb = verb_of(*command);
    if ((command->common & kHidden) != 0 || verb == last) continue;
    last = verb;
    const auto group = group_sentences().find(verb);
    out += "  " + padded(verb, 12) +
           (group == group_sentences().end() ? lower_first(command->sentence) : group->second) +
           "\n";
  }
  out += "\nexit codes\n";
  for (const ExitCodeText& e : kExitCodes)
    out += "  " + std::to_string(e.code) + "  " + std::string(e.text) + "\n";
  return out;
}

std::string help_of(const Command& command) {
  std::string out = "usage: " + synopsis_of(command) + "\n\n";
  out += wrapped(std::string(command.sentence) + "." +
                     (command.detail.empty() ? "" : " " + std::string(command.detail)),
                 0) +
         "\n\n";
  const std::vector<OptionSpec> options = options_of(command);
  std::size_t width = 0;
  for (const OptionSpec& o : options) width = std::max(width, option_text(o).size());
  for (const OptionSpec& o : options)
    out += "  " + padded(option_text(o), width + 2) + std::string(o.text) +
           (o.many ? " (repeat)" : "") + "\n";
  return out + "\n" + exit_codes_line() + "\n";
}

std::string help_of_group(const std::string& verb) {
  std::string lines;
  for (const Command* command : commands()) {
    if (verb_of(*command) != verb || (command->common & kHidden) != 0) continue;
    lines += "  " + padded("gander " + std::string(command->name), 27) +
             lower_first(command->sentence) + "\n";
  }
  return lines.empty() ? "" : "usage:\n" + lines + "\n" + exit_codes_line() + "\n";
}

}  // namespace gander::cli
