#include "open_broker.h"

#include <charconv>

#include "schema.h"

namespace gander {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() + 0 &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string scheme_of(const BrokerConfig& config) {
  const std::size_t colon = config.url.find(':');
  if (colon == std::string::npos || colon == 0)
    throw Error(
        Code::config,
        "'" + mask_secrets(config.url) +
            "' is neither the name of a broker nor a URL: a URL begins with a scheme, as in "
            "sqlite:jobs.db");
  return config.url.substr(0, colon);
}

LoadedPlugin find_plugin(const BrokerConfig& config, const PluginLoader& loader) {
  if (!config.plugin.empty()) return loader.find(GANDER_BROKER_KIND, config.plugin);
  return loader.find_scheme(scheme_of(config));
}

}  // namespace

std::pair<std::string, std::map<std::string, std::string>> split_url(std::string_view url) {
  std::map<std::string, std::string> options;
  const std::size_t mark = url.find('?');
  std::string_view query =
      mark == std::string_view::npos ? std::string_view{} : url.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{"true"} : pair.substr(equals + 1);
    options[percent_decoded(pair.substr(0, equals))] = percent_decoded(value);
  }
  return {std::string(url.substr(0, mark)), options};
}

std::shared_ptr<BrokerHandle> open_broker(const BrokerConfig& config,
                                          const std::vector<std::string>& plugin_path,
                                          std::shared_ptr<const Clock> clock) {
  const std::string where = config.where.empty() ? "" : config.where + ": ";
  try {
    const LoadedPlugin plugin = find_plugin(config, PluginLoader(plugin_path));
    std::map<std::string, std::string> options = config.options;
    if (!config.url.empty()) {
      auto [url, more] = split_url(config.url);
      options["url"] = url;
      options.insert(more.begin(), more.end());  // what the file says beside the URL wins
    }
    const std::string name =
        config.name.empty() ? plugin.component(GANDER_BROKER_KIND)->name : config.name;
    return std::make_shared<BrokerHandle>(name, plugin, options, std::move(clock));
  } catch (const Error& e) {
    throw Error(e.code(), where + e.what(), e.retryable());
  }
}

}  // namespace gander
