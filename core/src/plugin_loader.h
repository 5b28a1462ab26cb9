// Finds, checks and loads plugin files.
//
// Where it looks, in order: `plugin_path` of the config, GANDER_PLUGIN_PATH (absolute folders, ':'
// between; ignored when the process has raised privileges), then gander/plugins beside libgander
// itself. A name is taken from the first folder that has gander_<name>.so. A file is refused before
// it is mapped unless it is a regular ELF file of this machine, reached by an absolute path without
// "..", and neither it nor its folder can be written by others. What is loaded stays mapped for the
// life of the process. Thread-safe.
#pragma once

#include <gander/sdk/plugin.h>

#include <string>
#include <string_view>
#include <vector>

namespace gander {

struct LoadedPlugin {
  std::string file;
  const gander_plugin* plugin;

  // The component of a kind, or null.
  [[nodiscard]] const gander_component* component(std::string_view kind) const;
};

// One candidate, loaded or refused.
struct PluginListing {
  std::string file;
  std::string refusal;  // empty: loaded
  LoadedPlugin loaded{};
};

class PluginLoader {
 public:
  explicit PluginLoader(const std::vector<std::string>& config_path);

  [[nodiscard]] const std::vector<std::string>& folders() const { return folders_; }
  // Why a folder that was named is not looked at: "GANDER_PLUGIN_PATH: 'x' is not absolute".
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }

  // Loads one file; throws Error(config) with the file and the reason.
  static LoadedPlugin load(const std::string& file);
  // The plugin that has a component of `kind` called `name`; throws Error(not_found) with every
  // path tried and the names there are, Error(config) when the file is there and refused.
  [[nodiscard]] LoadedPlugin find(std::string_view kind, std::string_view name) const;
  // The broker that serves a URL scheme; likewise.
  [[nodiscard]] LoadedPlugin find_scheme(std::string_view scheme) const;
  // Every gander_*.so in the folders.
  [[nodiscard]] std::vector<PluginListing> list() const;

 private:
  [[nodiscard]] std::string tried(std::string_view what, std::string_view kind) const;
  std::vector<std::string> folders_;
  std::vector<std::string> ignored_;
};

}  // namespace gander
