// The command table as a completion script for bash: it knows the words and options of each
// command, and completes files where a file is meant.
#include <algorithm>
#include <map>
#include <sstream>

#include "help.h"
#include "output.h"

namespace gander::cli {
namespace {

// The words that may follow the words so far: "plugin" -> list, info, ...
using Following = std::map<std::string, std::vector<std::string>>;

Following following_words() {
  Following next;
  for (const Command* command : commands()) {
    if ((command->common & kHidden) != 0) continue;
    std::string path;
    std::istringstream name{std::string(command->name)};
    for (std::string word; name >> word; path += (path.empty() ? "" : " ") + word) {
      auto& words = next[path];
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
  }
  return next;
}

// One line each: `'plugin|list') path='plugin list' ;;`
void write_steps(std::ostream& out, const Following& next) {
  for (const auto& [path, words] : next)
    for (const std::string& word : words)
      out << "      '" << path << '|' << word << "') path='" << path << (path.empty() ? "" : " ")
          << word << "' ;;\n";
}

void write_words(std::ostream& out, const Following& next) {
  for (const auto& [path, words] : next)
    out << "    '" << path << "') words='" << joined(words, " ") << "' ;;\n";
}

void write_options(std::ostream& out) {
  for (const Command* command : commands()) {
    if ((command->common & kHidden) != 0) continue;
    out << "    '" << command->name << "') options='";
    for (const OptionSpec& o : options_of(*command)) out << "--" << o.name << ' ';
    out << "' ;;\n";
  }
}

constexpr const char* kHead = R"(# bash completion for gander; written by `gander completion bash`
_gander() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local path='' words='' options='' word i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    case $word in -*) break ;; esac
    case "$path|$word" in
)";

constexpr const char* kTail = R"(  esac
  COMPREPLY=()
  case $previous in
    --config | --jobs) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --plugin-path | --dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --state)
      mapfile -t COMPREPLY < <(compgen -W 'ready scheduled leased retry dead' -- "$current")
      return ;;
    --priority) mapfile -t COMPREPLY < <(compgen -W 'high normal low' -- "$current"); return ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif ((i == COMP_CWORD)) && [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _gander gander
)";

}  // namespace

std::string bash_completion() {
  const Following next = following_words();
  std::ostringstream out;
  out << kHead;
  write_steps(out, next);
  out << "      *) break ;;\n    esac\n  done\n  case $path in\n";
  write_words(out, next);
  out << "  esac\n  case $path in\n";
  write_options(out);
  out << kTail;
  return out.str();
}

}  // namespace gander::cli
