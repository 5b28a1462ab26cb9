// The page of a broker under docs/brokers, held against the plugin: what a test of it shares.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "broker_driver.h"

namespace gander::test {

inline std::string read_page(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What stands between `before` and `after`, wherever that is.
inline std::vector<std::string> all_between(const std::string& text, const std::string& before,
                                            const std::string& after) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    found.push_back(text.substr(at, text.find(after, at) - at));
  }
  return found;
}

// Every option of the schema has its row "| `name` | default |"; returns how many there are.
inline std::size_t expect_options(const std::string& page) {
  const std::string schema = plugin()->components[0].config_schema;
  const std::string properties = schema.substr(schema.find("\"properties\""));
  std::size_t named = 0;
  for (const std::string& option : all_between(properties, "\n    \"", "}")) {
    const std::string name = option.substr(0, option.find('"'));
    std::string value = all_between(option, "\"default\": ", ",\n").at(0);
    value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
    value.erase(value.find_last_not_of(" \n") + 1);
    const std::string row = "| `" + name + "` | ";
    const std::size_t at = page.find(row);
    EXPECT_NE(at, std::string::npos) << row;
    if (at == std::string::npos) continue;
    EXPECT_NE(page.substr(at + row.size(), value.size() + 30).find(value), std::string::npos)
        << row << value;
    ++named;
  }
  return named;
}

}  // namespace gander::test
