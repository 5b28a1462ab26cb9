#include "plugin_loader.h"

#include <dlfcn.h>
#include <gander/error.h>

#define BOOST_DLL_USE_STD_FS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <boost/dll/shared_library.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <sstream>

#include "plugin_file.h"

namespace gander {
namespace {

namespace fs = std::filesystem;

// Boost.DLL knows no NODELETE; without it a plugin's thread could outlive its code.
const auto kLoadMode =
    static_cast<boost::dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

// One lock for every dlopen, and the libraries for ever: nothing that came from a plugin can then
// dangle.
struct Loaded {
  std::mutex mutex;
  std::vector<std::pair<LoadedPlugin, boost::dll::shared_library>> plugins;
};
Loaded& loaded() {
  static auto* all = new Loaded;  // never destroyed: threads may still run plugin code at exit
  return *all;
}

std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr)
    return {};
  std::error_code ec;
  const fs::path self = fs::canonical(info.dli_fname, ec);
  return ec ? std::string{} : (self.parent_path() / "gander" / "plugins").string();
}

void check_plugin(const std::string& file, const gander_plugin* plugin) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Code::config, "plugin " + file + ": " + why);
  };
  if (plugin == nullptr)
    refuse("does not support this host's plugin ABI 1." + std::to_string(GANDER_ABI & 0xFFFFU) +
           ": install the version of the plugin for this gander");
  if ((plugin->abi >> 16U) != GANDER_ABI_MAJOR)
    refuse("was built for plugin ABI " + std::to_string(plugin->abi >> 16U) +
           ".x; this gander loads 1.x");
  if (plugin->min_host_abi > GANDER_ABI)
    refuse("needs a host of plugin ABI 1." + std::to_string(plugin->min_host_abi & 0xFFFFU) +
           " or newer");
  if (plugin->components == nullptr || plugin->count == 0) refuse("offers nothing");
}

const char* extension_of(const fs::path& path) { return path.extension() == ".so" ? ".so" : ""; }

bool is_candidate(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.rfind("gander_", 0) == 0 && *extension_of(path) != '\0';
}

}  // namespace

const gander_component* LoadedPlugin::component(std::string_view kind) const {
  for (std::uint32_t i = 0; i < plugin->count; ++i) {
    const gander_component* c =
        GANDER_AT(gander_component, plugin->components, plugin->item_size, i);
    if (kind == c->kind) return c;
  }
  return nullptr;
}

PluginLoader::PluginLoader(const std::vector<std::string>& config_path) {
  const auto add = [this](const std::string& folder, const std::string& from) {
    if (folder.empty()) return;
    if (!fs::path(folder).is_absolute())
      ignored_.push_back(from + ": '" + folder + "' is not an absolute path");
    else
      folders_.push_back(folder);
  };
  for (const auto& folder : config_path) add(folder, "plugin_path");
  // secure_getenv: a set-uid program must not load what its caller points at
  if (const char* list = secure_getenv("GANDER_PLUGIN_PATH"); list != nullptr) {
    std::istringstream in(list);
    for (std::string folder; std::getline(in, folder, ':');) add(folder, "GANDER_PLUGIN_PATH");
  } else if (getenv("GANDER_PLUGIN_PATH") != nullptr) {
    ignored_.emplace_back("GANDER_PLUGIN_PATH: ignored, this process runs with raised privileges");
  }
  add(own_folder(), "libgander");
}

LoadedPlugin PluginLoader::load(const std::string& file) {
  const std::string path = checked_plugin_file(file);
  Loaded& all = loaded();
  const std::lock_guard lock(all.mutex);
  for (const auto& [known, library] : all.plugins)
    if (known.file == path) return known;

  boost::dll::shared_library library;
  try {
    library.load(fs::path(path), kLoadMode);
  } catch (const std::exception& e) {
    // the error code is nearly always "Bad file descriptor"; dlerror's sentence is in the text
    throw Error(Code::config, "plugin " + path + " cannot be loaded: " + e.what());
  }
  if (!library.has("gander_plugin_v1"))
    throw Error(Code::config,
                "plugin " + path +
                    " does not export gander_plugin_v1: it is not a gander plugin of ABI major 1");
  const auto entry = library.get<const gander_plugin*(std::uint32_t)>("gander_plugin_v1");
  LoadedPlugin plugin{path, entry(GANDER_ABI)};
  check_plugin(path, plugin.plugin);
  all.plugins.emplace_back(plugin, std::move(library));
  return plugin;
}

std::vector<PluginListing> PluginLoader::list() const {
  std::vector<PluginListing> found;
  for (const auto& folder : folders_) {
    std::error_code ec;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder, ec))
      if (is_candidate(entry.path())) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      PluginListing one{file.string(), {}, {}};
      try {
        one.loaded = load(file.string());
      } catch (const Error& e) {
        one.refusal = e.what();
      }
      found.push_back(std::move(one));
    }
  }
  return found;
}

LoadedPlugin PluginLoader::find(std::string_view kind, std::string_view name) const {
  const bool good =
      !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (!good)
    throw Error(Code::config, "'" + std::string(name) +
                                  "' is not a plugin's name: 1 to 32 of a-z, 0-9 and _ are");
  for (const auto& folder : folders_) {
    const std::string file = folder + "/gander_" + std::string(name) + ".so";
    std::error_code ec;
    if (!fs::exists(file, ec)) continue;
    LoadedPlugin plugin = load(file);
    if (plugin.component(kind) == nullptr)
      throw Error(Code::config, "plugin " + file + " offers no " + std::string(kind));
    return plugin;
  }
  throw Error(Code::not_found, tried("plugin '" + std::string(name) + "'", kind));
}

LoadedPlugin PluginLoader::find_scheme(std::string_view scheme) const {
  const auto serves = [&](const LoadedPlugin& plugin) {
    const gander_component* c = plugin.component("gander.broker/1");
    if (c == nullptr || c->uri_schemes == nullptr) return false;
    for (const char* const* s = c->uri_schemes; *s != nullptr; ++s)
      if (scheme == *s) return true;
    return false;
  };
  for (const auto& folder :
       folders_) {  // the file of that name first: one dlopen in the usual case
    const std::string file = folder + "/gander_" + std::string(scheme) + ".so";
    std::error_code ec;
    if (scheme.find('/') == std::string_view::npos && fs::exists(file, ec)) {
      LoadedPlugin plugin = load(file);
      if (serves(plugin)) return plugin;
    }
  }
  for (const auto& one : list())
    if (one.refusal.empty() && serves(one.loaded)) return one.loaded;
  throw Error(
      Code::not_found,
      tried("broker for URLs that begin with '" + std::string(scheme) + ":'", "gander.broker/1"));
}

std::string PluginLoader::tried(std::string_view what, std::string_view kind) const {
  std::string names;
  std::string refused;
  for (const auto& one : list()) {
    if (!one.refusal.empty()) {
      refused += "\n  refused: " + one.refusal;
    } else if (const auto* c = one.loaded.component(kind); c != nullptr) {
      names += (names.empty() ? "" : ", ") + std::string(c->name);
    }
  }
  std::string text = "there is no " + std::string(what) +
                     "; found are: " + (names.empty() ? "none" : names) + ". Looked in:";
  for (const auto& folder : folders_) {
    std::error_code ec;
    text += "\n  " + folder + (fs::is_directory(folder, ec) ? "" : " (not there)");
  }
  for (const auto& why : ignored_) text += "\n  " + why;
  return text + refused;
}

}  // namespace gander
