// gander-plugin-check FILE [--url URL] [--option KEY=VALUE] [--only NUMBER|NAME|GROUP]... [--json]
//                     [--in-process] [--timeout SECONDS] [--jobs N] [--seed N] [--list]
#include <gander/conformance/kit.h>

#include <algorithm>
#include <iostream>
#include <span>

namespace {

using gander::conformance::KitOptions;

int usage() {
  std::cerr
      << "usage: gander-plugin-check FILE [--url URL] [--option KEY=VALUE] [--only CHECK]...\n"
         "         [--json] [--in-process] [--timeout SECONDS] [--jobs N] [--seed N]\n"
         "       gander-plugin-check --list\n"
         "CHECK is a number, a name or a group; {tmp} in URL or VALUE is a fresh folder,\n"
         "{word} letters and digits that no other check has.\n";
  return 2;
}

int list() {
  for (const auto& check : gander::conformance::checks())
    std::cout << check.number << '\t' << check.name << '\t' << check.group << '\t' << check.gbc
              << '\t' << (check.needs.empty() ? "-" : check.needs) << '\t' << check.sentence
              << '\n';
  return 0;
}

// False when the word is unknown or its value is missing.
bool read_option(KitOptions& options, std::span<char*>& rest) {
  const std::string word = rest.front();
  rest = rest.subspan(1);
  if (word == "--json") return options.json = true;
  if (word == "--in-process") return options.in_process = true;
  if (!word.starts_with('-')) return std::exchange(options.file, word).empty();
  if (rest.empty()) return false;
  const std::string value = rest.front();
  rest = rest.subspan(1);
  if (word == "--url")
    options.url = value;
  else if (word == "--only")
    options.only.push_back(value);
  else if (word == "--timeout")
    options.timeout = std::chrono::seconds(std::stoi(value));
  else if (word == "--patience")
    options.patience = std::chrono::seconds(std::stoi(value));
  else if (word == "--jobs")
    options.jobs = static_cast<unsigned>(std::stoul(value));
  else if (word == "--seed")
    options.seed = std::stoull(value);
  else if (word == "--option" && value.find('=') != std::string::npos)
    options.options.emplace_back(value.substr(0, value.find('=')),
                                 value.substr(value.find('=') + 1));
  else
    return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto done = gander::conformance::run_child(argc, argv)) return *done;
  std::span<char*> rest(argv, static_cast<std::size_t>(argc));
  rest = rest.subspan(1);
  if (!rest.empty() && std::string_view(rest.front()) == "--list") return list();
  KitOptions options;
  try {
    while (!rest.empty())
      if (!read_option(options, rest)) return usage();
  } catch (const std::exception&) {
    return usage();
  }
  return options.file.empty() ? usage() : gander::conformance::run_kit(options, std::cout);
}
