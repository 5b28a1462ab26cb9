// gander/plugins.h -- which plugins there are, and what each says of itself: what `gander plugin`
// prints.
//
// Looking loads a file, as this is the only way to ask it, but makes no instance and touches no
// server. Thread-safe.
#pragma once

#include <gander/broker.h>

#include <optional>
#include <vector>

namespace gander {

struct PluginOption {
  std::string name;
  std::string type;           // "string", "integer", "number", "boolean"
  std::string default_value;  // as text
  std::string description;
  bool secret = false;
  bool required = false;            // then it has no default
  std::vector<std::string> one_of;  // empty: any
};

struct PluginComponent {
  std::string kind;  // "gander.broker/1", "gander.metrics/1", "gander.jobs/1"
  std::string name;  // what config calls `plugin`
  std::vector<std::string> schemes;
  std::string schema;  // JSON Schema of the options; empty: it takes none
  std::vector<PluginOption> options;
  std::vector<std::string> jobs;  // of a job module: the names it runs
};

struct PluginInfo {
  std::string file;
  std::string refusal;  // why it was not loaded: then nothing below is set. Empty: it was
  std::string id, version, vendor, license, url, build;
  std::string abi, min_host_abi;  // "1.0"
  std::vector<PluginComponent> components;

  // The component of a kind, or null.
  [[nodiscard]] const PluginComponent* component(std::string_view kind) const;
};

struct PluginFolders {
  std::vector<std::string> searched;  // in this order; one may not exist
  std::vector<std::string> ignored;   // "GANDER_PLUGIN_PATH: 'x' is not an absolute path"
};

// The plugin ABI of this libgander, "1.0".
[[nodiscard]] std::string plugin_abi();

[[nodiscard]] PluginFolders plugin_folders(const Config& config);

// Every gander_*.so in the folders, in their order and then by name; what was refused is among
// them. Of two with one name the first is the one that is used.
[[nodiscard]] std::vector<PluginInfo> plugins(const Config& config);

// One file, by absolute path; a refusal is in the result.
[[nodiscard]] PluginInfo plugin_file(const std::string& file);

// The plugin a broker's URL or name in `config` would be served by. Throws like Broker.
[[nodiscard]] PluginInfo plugin_of(std::string_view broker, const Config& config);

// BrokerInfo::capabilities in words: "schedule", "priority", ...
[[nodiscard]] std::vector<std::string> capability_names(std::uint64_t capabilities);

// The extensions an open broker has, by id: "gander.broker.inspect/1". Asks no server.
[[nodiscard]] std::vector<std::string> extensions_of(const Broker& broker);

// Tells Config::show() which options are secret by the schemas of the plugins found.
[[nodiscard]] std::function<bool(std::string_view plugin, std::string_view option)> secret_test(
    const Config& config);

}  // namespace gander
