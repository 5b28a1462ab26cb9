// A Config as text again, and the masking of secrets.

#include <algorithm>
#include <array>
#include <cctype>

#include "config_value.h"
#include "rapidjson.h"

namespace gander {
namespace {

using Kind = ConfigValue::Kind;
constexpr std::string_view kMask = "***";

ConfigValue text(std::string value) {
  ConfigValue made;
  made.text = std::move(value);
  return made;
}
ConfigValue integer(int value) {
  ConfigValue made = text(std::to_string(value));
  made.kind = Kind::integer;
  return made;
}
ConfigValue boolean(bool value) {
  ConfigValue made = text(value ? "true" : "false");
  made.kind = Kind::boolean;
  return made;
}
ConfigValue list(const std::vector<std::string>& values) {
  ConfigValue made;
  made.kind = Kind::list;
  for (const std::string& value : values) made.list.push_back(text(value));
  return made;
}
ConfigValue table(std::vector<ConfigValue::Member> items) {
  ConfigValue made;
  made.kind = Kind::table;
  made.table = std::move(items);
  return made;
}

struct Masker {
  const Config& config;
  const SecretTest& is_secret;

  [[nodiscard]] std::string operator()(const std::string& path, const std::string& plugin,
                                       const std::string& option, const std::string& value) const {
    const auto& paths = config.secret_paths;
    const bool secret = is_secret_name(option) || (is_secret && is_secret(plugin, option)) ||
                        std::find(paths.begin(), paths.end(), path) != paths.end();
    return secret ? std::string(kMask) : mask_secrets(value);
  }
};

void add_options(ConfigValue& to, const std::string& path, const std::string& plugin,
                 const std::map<std::string, std::string>& given, const Masker& mask) {
  for (const auto& [key, value] : given)
    to.table.push_back({key, text(mask(path + "." + key, plugin, key, value))});
}

// The plugin whose schema speaks for a broker's options, as far as it can be told without loading.
std::string plugin_of(const BrokerConfig& broker) {
  return broker.plugin.empty() ? broker.url.substr(0, broker.url.find(':')) : broker.plugin;
}

ConfigValue tree(const Config& c, const Masker& mask) {
  ConfigValue brokers = table({}), queues = table({}), metrics = table({});
  for (const BrokerConfig& b : c.brokers) {
    ConfigValue item = table({});
    if (!b.plugin.empty()) item.table.push_back({"plugin", text(b.plugin)});
    if (!b.url.empty()) item.table.push_back({"url", text(mask_secrets(b.url))});
    add_options(item, "brokers." + b.name, plugin_of(b), b.options, mask);
    brokers.table.push_back({b.name, std::move(item)});
  }
  for (const QueueConfig& q : c.queues)
    queues.table.push_back({q.name, table({{"weight", integer(q.weight)}})});
  for (const SinkConfig& s : c.metrics) {
    const std::string plugin = s.plugin.empty() ? s.name : s.plugin;
    ConfigValue item = table({{"plugin", text(plugin)}});
    add_options(item, "metrics." + s.name, plugin, s.options, mask);
    metrics.table.push_back({s.name, std::move(item)});
  }
  const bool automatic = c.worker.prefetch == WorkerConfig::kAutomatic;
  return table({
      {"broker", text(mask_secrets(c.broker))},
      {"plugin_path", list(c.plugin_path)},
      {"metrics_interval", text(duration_text(c.metrics_interval))},
      {"client", table({{"queue", text(c.client.queue)},
                        {"timeout", text(duration_text(c.client.timeout))}})},
      {"worker", table({{"threads", integer(c.worker.threads)},
                        {"queues", list(c.worker.queues)},
                        {"prefetch", automatic ? text("automatic") : integer(c.worker.prefetch)},
                        {"shutdown_timeout", text(duration_text(c.worker.shutdown_timeout))}})},
      {"retry", table({{"max_retries", integer(c.retry.max_retries)},
                       {"max_crashes", integer(c.retry.max_crashes)},
                       {"queue", text(c.retry.queue)},
                       {"skip_dead", boolean(c.retry.skip_dead)}})},
      {"log", table({{"level", text(c.log.level)}, {"format", text(c.log.format)}})},
      {"queues", std::move(queues)},
      {"brokers", std::move(brokers)},
      {"metrics", std::move(metrics)},
  });
}

std::string toml_text(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      ((out += "\\u00") += kHex[byte >> 4U]) += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out += '"';
}

// `$` before `{` is doubled, as parse() halves it.
std::string escaped(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.substr(i, 2) == "${") out += '$';
    out += value[i];
  }
  return toml_text(out);
}

std::string toml_scalar(const ConfigValue& value) {
  if (value.kind == Kind::text) return escaped(value.text);
  if (value.kind != Kind::list) return value.text;
  std::string out = "[";
  for (const ConfigValue& item : value.list)
    out += (out.size() == 1 ? "" : ", ") + toml_scalar(item);
  return out + "]";
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  return bare ? key : toml_text(key);
}

void write_toml(std::string& out, const std::string& path, const ConfigValue& value) {
  bool headed = path.empty();
  for (const auto& [key, item] : value.table) {
    if (item.kind == Kind::table) continue;
    if (!headed) out += "\n[" + path + "]\n";
    headed = true;
    out += toml_key(key) + " = " + toml_scalar(item) + "\n";
  }
  // A table of nothing still says that its name exists.
  if (!headed && value.table.empty() && path.find('.') != std::string::npos)
    out += "\n[" + path + "]\n";
  for (const auto& [key, item] : value.table)
    if (item.kind == Kind::table)
      write_toml(out, path.empty() ? toml_key(key) : path + "." + toml_key(key), item);
}

template <class Writer>
void write_json(Writer& writer, const ConfigValue& value) {
  const auto string = [&](const std::string& s) {
    writer.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
  };
  switch (value.kind) {
    case Kind::integer: writer.Int(std::stoi(value.text)); break;
    case Kind::boolean: writer.Bool(value.text == "true"); break;
    case Kind::list:
      writer.StartArray();
      for (const ConfigValue& item : value.list) write_json(writer, item);
      writer.EndArray();
      break;
    case Kind::table:
      writer.StartObject();
      for (const auto& [key, item] : value.table) {
        string(key);
        write_json(writer, item);
      }
      writer.EndObject();
      break;
    default: string(value.text);
  }
}

}  // namespace

std::string duration_text(std::chrono::milliseconds duration) {
  const long long ms = duration.count();
  if (ms != 0 && ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms != 0 && ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  if (ms != 0 && ms % 1'000 == 0) return std::to_string(ms / 1'000) + "s";
  return std::to_string(ms) + "ms";
}

std::string Config::show(ShowFormat format, const SecretTest& is_secret) const {
  const ConfigValue root = tree(*this, Masker{*this, is_secret});
  if (format == ShowFormat::json) {
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetIndent(' ', 2);
    write_json(writer, root);
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
  }
  std::string out;
  write_toml(out, "", root);
  return out;
}

}  // namespace gander
