#include <gander/error.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "../exit_codes.h"
#include "../output.h"
#include "../templates.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

namespace fs = std::filesystem;

constexpr PositionalSpec kName[] = {{"NAME"}};
constexpr OptionSpec kOptions[] = {
    {"c", "", "in C, against the tables; else in C++ over the glue"},
    {"dir", "FOLDER", "where to; ./NAME"},
};

using Words = std::vector<std::pair<std::string, std::string>>;

// In one pass, the earlier word first, so that what was put in is never replaced again.
std::string replaced(std::string_view text, const Words& words) {
  std::string out;
  while (!text.empty()) {
    const auto fits = [&](const auto& word) { return text.starts_with(word.first); };
    const auto word = std::find_if(words.begin(), words.end(), fits);
    out += word == words.end() ? std::string(1, text.front()) : word->second;
    text.remove_prefix(word == words.end() ? 1 : word->first.size());
  }
  return out;
}

std::string_view template_text(std::string_view name) {
  const auto all = templates();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Template& t) { return t.name == name; });
  if (found == all.end())
    throw Error(Code::internal, "this gander was built without the template " + std::string(name));
  return found->text;
}

void check_name(const std::string& name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = !name.empty() && name.size() <= 32 && letter(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return letter(c) || (c >= '0' && c <= '9') || c == '_';
                    });
  if (!good)
    throw UsageError{"'" + name +
                     "' is not a plugin's name: 1 to 32 of a-z, 0-9 and _, the first "
                     "a letter"};
}

// The examples are whole brokers called "memory" and "memory_c"; what carries the name is renamed.
Words words_for(const std::string& name, bool c) {
  std::string scheme = name;  // a URL's scheme may not hold '_'
  std::replace(scheme.begin(), scheme.end(), '_', '-');
  Words words = {{"@NAME@", name},
                 {"@SCHEME@", scheme},
                 {"@SOURCE@", name + (c ? "_broker.c" : "_broker.cpp")},
                 {"@LANGUAGES@", c ? "C CXX" : "CXX"}};
  const Words own = c ? Words{{"dev.gander.memory_c", "org.example." + name},
                              {"\"memory-c", "\"" + scheme},
                              {"\"memory_c", "\"" + name},
                              {"\"memory in C", "\"" + name},
                              {"raw_c_store.h", name + "_store.h"}}
                      : Words{{"dev.gander.memory", "org.example." + name},
                              {"\"1.0.0\", \"memory\")", "\"1.0.0\", \"" + scheme + "\")"},
                              {"\"memory:", "\"" + scheme + ":"},
                              {"\"memory", "\"" + name}};
  words.insert(words.end(), own.begin(), own.end());
  return words;
}

using Files = std::vector<std::pair<std::string, std::string_view>>;

// Each with the template it is made from.
Files files_of(const std::string& name, bool c) {
  Files files = {{"CMakeLists.txt", "CMakeLists.txt"},
                 {"README.md", "README.md"},
                 {"schema.json", c ? "schema_c.json" : "schema.json"}};
  if (!c) {
    files.emplace_back("src/" + name + "_broker.cpp", "broker.cpp");
    return files;
  }
  files.emplace_back("src/" + name + "_broker.c", "broker.c");
  files.emplace_back("src/" + name + "_store.h", "store.h");
  return files;
}

void write_file(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (!out)
    throw Error(Code::forbidden, "cannot write " + file.string() + ": " + std::strerror(errno));
}

int run(const Arguments& a) {
  const std::string name = a.text("NAME");
  check_name(name);
  const bool c = a.has("c");
  const fs::path folder = absolute_path(a.text("dir", name));
  std::error_code ec;
  if (fs::exists(folder, ec) && !fs::is_empty(folder, ec))
    throw Declined{folder.string() + " is there already and not empty; name another by --dir"};
  const Words words = words_for(name, c);
  const Files files = files_of(name, c);
  try {
    for (const auto& [file, from] : files)
      write_file(folder / file, replaced(template_text(from), words));
  } catch (const fs::filesystem_error& e) {
    throw Error(Code::forbidden, e.what());
  }
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "folder", folder.string());
      std::vector<std::string> names;
      for (const auto& file : files) names.push_back(file.first);
      json_list(out, "files", names);
      out.end_object();
    });
    return kOk;
  }
  for (const auto& file : files) std::cout << (folder / file.first).string() << '\n';
  std::cout << "next: cmake -S " << folder.string() << " -B " << folder.string()
            << "/build && cmake --build " << folder.string() << "/build\n";
  return kOk;
}

}  // namespace

const Command kPluginNewBroker{"plugin new broker",
                               "Write the folder of a broker plugin that builds and passes",
                               "It keeps its messages in memory; put your server in its place.",
                               kName,
                               kOptions,
                               kJson,
                               run};

}  // namespace gander::cli
