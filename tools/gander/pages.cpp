// The command table as a man page and as docs/cli.md.
#include <algorithm>

#include "exit_codes.h"
#include "help.h"
#include "output.h"

namespace gander::cli {
namespace {

struct Pair {
  std::string_view name, text;
};

constexpr Pair kVariables[] = {
    {"GANDER_CONFIG", "the config file, in place of ./gander.toml"},
    {"GANDER_PLUGIN_PATH",
     "absolute folders with ':' between, searched for plugins before the "
     "installed one; ignored with raised privileges"},
    {"GANDER_...", "any setting: GANDER_WORKER_THREADS=8 is worker.threads"},
};

constexpr Pair kExamples[] = {
    {"gander enqueue mail.welcome '[\"ada@lovelace.dev\", 42]' --in 15m",
     "enqueue one job for later"},
    {"gander worker --jobs ./libmail.so --queue mail:3 --queue default", "serve two queues"},
    {"gander dead replay --pattern 'mail.*'", "run the dead letters of some jobs again"},
    {"gander plugin check build/gander_mine.so --url 'mine://localhost'", "judge a plugin"},
};

bool shown(const Command& command) { return (command.common & kHidden) == 0; }

// Roff takes '-' for a hyphen and a leading '.' or ''' for a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

std::string sentence_of(const Command& c) {
  return std::string(c.sentence) + "." + (c.detail.empty() ? "" : " " + std::string(c.detail));
}

std::string option_head(const OptionSpec& o) {
  return "--" + std::string(o.name) + (o.value.empty() ? "" : " " + std::string(o.value));
}

// '|' would end a cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string man_page() {
  std::string out =
      ".TH GANDER 1 \"\" \"gander " GANDER_VERSION
      "\" \"User Commands\"\n"
      ".SH NAME\ngander \\- background jobs: run workers, enqueue, look into a broker\n"
      ".SH SYNOPSIS\n.B gander\n.I COMMAND\n[options]\n"
      ".SH DESCRIPTION\n"
      "gander runs background jobs for C++20. What stores the jobs is a broker plugin, named by a "
      "URL or in gander.toml. Options follow the command.\n"
      ".SH COMMANDS\n";
  for (const Command* command : commands()) {
    if (!shown(*command)) continue;
    out += ".SS " + roff(synopsis_of(*command)) + "\n" + roff(sentence_of(*command)) + "\n";
    for (const OptionSpec& o : options_of(*command))
      out += ".TP\n.B " + roff(option_head(o)) + "\n" + roff(o.text) +
             (o.many ? " (may be repeated)" : "") + "\n";
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitCodeText& e : kExitCodes)
    out += ".TP\n.B " + std::to_string(e.code) + "\n" + roff(e.text) + "\n";
  out += ".SH ENVIRONMENT\n";
  for (const Pair& v : kVariables) out += ".TP\n.B " + roff(v.name) + "\n" + roff(v.text) + "\n";
  out += ".SH FILES\n.TP\n.B gander.toml\nthe configuration, read from the current folder\n";
  out += ".SH EXAMPLES\n";
  for (const Pair& e : kExamples) out += ".TP\n.B " + roff(e.name) + "\n" + roff(e.text) + "\n";
  return out;
}

std::string markdown_page() {
  std::string out =
      "# The gander command\n\n"
      "Written by `gander man --markdown` from the table that also makes `--help`, `gander.1` and "
      "the bash completion; a test compares it.\n\n"
      "Every command takes `--help`. With `--json` it prints one JSON object (bench: one a line), "
      "and an error is `{\"error\":{\"code\":...,\"message\":...}}` on standard output. Times are "
      "UTC, RFC 3339. What was asked for goes to standard output, all else to standard error.\n\n"
      "## Exit codes\n\n| code | name | meaning |\n|---|---|---|\n";
  for (const ExitCodeText& e : kExitCodes)
    out +=
        "| " + std::to_string(e.code) + " | " + std::string(e.name) + " | " + cell(e.text) + " |\n";
  out += "\n## Environment\n\n| variable | meaning |\n|---|---|\n";
  for (const Pair& v : kVariables)
    out += "| `" + std::string(v.name) + "` | " + cell(v.text) + " |\n";
  out += "\n## Commands\n";
  for (const Command* command : commands()) {
    if (!shown(*command)) continue;
    out += "\n### gander " + std::string(command->name) + "\n\n`" + synopsis_of(*command) +
           "`\n\n" + sentence_of(*command) + "\n\n| option | meaning |\n|---|---|\n";
    for (const OptionSpec& o : options_of(*command))
      out += "| `" + cell(option_head(o)) + "` | " + cell(o.text) +
             (o.many ? " (may be repeated)" : "") + " |\n";
  }
  return out;
}

}  // namespace gander::cli
