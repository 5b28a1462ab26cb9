// Environment variables, ${VAR}, file: values, and where the file is looked for.
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "config_value.h"
#include "nearest.h"

namespace gander {
namespace {

constexpr std::string_view kPrefix = "GANDER_";

std::string read_secret(const std::string& file, const ConfigValue& value,
                        const std::string& path) {
  FileText read = read_whole(file);
  if (!read.failure.empty())
    refuse(value, path,
           "cannot read '" + file + "': " + read.failure +
               "; it must be a file that this user may read");
  if (read.text.ends_with('\n')) read.text.pop_back();
  return std::move(read.text);
}

// Marks the value as secret when a variable is in it.
std::string expand_variables(ConfigValue& value, const std::string& path,
                             const Environment& environment) {
  const std::string& text = value.text;
  std::string out;
  std::size_t at = 0;
  for (std::size_t dollar; (dollar = text.find("${", at)) != std::string::npos;) {
    if (dollar > at && text[dollar - 1] == '$') {  // $${ is a literal ${
      out.append(text, at, dollar - 1 - at).append("${");
      at = dollar + 2;
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (end == std::string::npos)
      refuse(value, path, "'${' has no '}'; write $${ for a literal ${");
    const std::string name = text.substr(dollar + 2, end - dollar - 2);
    const auto found = environment.find(name);
    if (found == environment.end())
      refuse(
          value, path,
          "environment variable '" + name + "' is not set; set it, or write $${ for a literal ${");
    out.append(text, at, dollar - at).append(found->second);
    value.secret = true;
    at = end + 1;
  }
  return out.append(text, at);
}

// "worker.threads" -> "WORKER_THREADS", "my-broker" -> "MY_BROKER"
std::string env_name(std::string_view path) {
  std::string name;
  for (const char c : path)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0
                ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                : '_';
  return name;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// "BROKERS_MY_BROKER_URL" -> "brokers.my-broker.url": the longest name there is, or else the part
// up to the first '_' as the name of a new one. Empty when it is no such path.
std::string open_path(std::string_view rest, std::string_view section,
                      const std::vector<std::string>& names) {
  const std::string prefix = env_name(section) + "_";
  if (!rest.starts_with(prefix)) return {};
  rest.remove_prefix(prefix.size());
  std::string_view best;
  for (const std::string& name : names)
    if (rest.starts_with(env_name(name) + "_") && name.size() > best.size()) best = name;
  const std::size_t length = best.empty() ? rest.find('_') : best.size();
  if (length == std::string_view::npos || length == 0 || length + 1 >= rest.size()) return {};
  const std::string name = best.empty() ? lower(rest.substr(0, length)) : std::string(best);
  return std::string(section) + "." + name + "." + lower(rest.substr(length + 1));
}

template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

std::string path_of(std::string_view rest, const Config& config) {
  for (const std::string& key : fixed_keys())
    if (env_name(key) == rest) return key;
  std::string path = open_path(rest, "brokers", names_of(config.brokers));
  if (path.empty()) path = open_path(rest, "metrics", names_of(config.metrics));
  if (path.empty()) path = open_path(rest, "queues", names_of(config.queues));
  return path;
}

// A variable that begins like a section and is no key is a slip of the pen worth a line in the log.
// Not an error: Kubernetes sets GANDER_WORKER_PORT and the like for services of such a name.
void warn_unknown(Config& config, std::string_view rest) {
  std::vector<std::string> known;
  std::set<std::string> sections;
  for (const std::string& key : fixed_keys()) {
    known.push_back(std::string(kPrefix) + env_name(key));
    const std::size_t dot = key.find('.');
    if (dot != std::string::npos) sections.insert(env_name(key.substr(0, dot)) + "_");
  }
  for (const std::string& section : sections) {
    if (!rest.starts_with(section)) continue;
    const std::string name = std::string(kPrefix) + std::string(rest);
    config.warnings.push_back("environment variable " + name + " is no setting" +
                              nearest_hint(name, known));
  }
}

}  // namespace

FileText read_whole(const std::string& file) {
  FileText read;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rbe"),
                                                           &std::fclose);
  if (in == nullptr) return {{}, std::strerror(errno)};
  std::array<char, 16384> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), in.get()))
    read.text.append(buffer.data(), n);
  if (std::ferror(in.get()) != 0) read.failure = std::strerror(errno);
  return read;
}

Environment process_environment() {
  Environment environment;
  if (getauxval(AT_SECURE) != 0) return environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

void expand_file(ConfigValue& value, const std::string& path) {
  for (ConfigValue& item : value.list) expand_file(item, path);
  if (value.kind != ConfigValue::Kind::text || !value.text.starts_with("file:")) return;
  const std::string file = value.text.substr(5);
  if (!file.starts_with('/'))
    refuse(value, path, "'file:' wants an absolute path, such as file:/run/secrets/redis");
  value.text = read_secret(file, value, path);
  value.secret = true;
}

void expand(ConfigValue& value, const std::string& path, const Environment& environment) {
  for (ConfigValue& item : value.list) expand(item, path, environment);
  for (auto& [key, item] : value.table)
    expand(item, path.empty() ? key : path + "." + key, environment);
  if (value.kind != ConfigValue::Kind::text) return;
  const bool is_file = value.text.starts_with("file:");
  value.text = expand_variables(value, path, environment);
  // What a variable or a file holds is taken as it is: a password may look like anything.
  if (is_file) expand_file(value, path);
}

Config Config::standard(const Environment& environment) {
  Config config;
  if (const auto named = environment.find("GANDER_CONFIG"); named != environment.end()) {
    config = load(named->second, environment);
  } else if (getauxval(AT_SECURE) == 0 && std::filesystem::exists("gander.toml")) {
    config = load("gander.toml", environment);
  }
  config.apply_environment(environment);
  return config;
}

void Config::apply_environment(const Environment& environment) {
  static const std::set<std::string, std::less<>> kNotSettings = {"CONFIG"};
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string_view rest = std::string_view(name).substr(kPrefix.size());
    if (kNotSettings.contains(rest)) continue;
    const std::string path = path_of(rest, *this);
    if (path.empty()) {
      warn_unknown(*this, rest);
      continue;
    }
    ConfigValue value;
    value.text = text;
    value.loose = true;
    value.where = "environment " + name;
    expand_file(value, path);
    apply_path(*this, path, value);
  }
}

void Config::set(const std::string& path, const std::string& text, const std::string& origin) {
  ConfigValue value;
  value.text = text;
  value.loose = true;
  value.where = origin;
  expand_file(value, path);
  apply_path(*this, path, value);
}

}  // namespace gander
