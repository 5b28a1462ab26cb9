#include <gander/config.h>
#include <gander/error.h>
#include <gander/plugins.h>
#include <gander/sdk/ext/health.h>
#include <gander/sdk/ext/inspect.h>
#include <gander/sdk/ext/manage.h>
#include <gander/sdk/ext/migrate.h>
#include <gander/sdk/ext/reclaim.h>
#include <gander/sdk/jobs.h>

#include <algorithm>
#include <memory>

#include "broker_handle.h"
#include "plugin_loader.h"
#include "schema.h"

namespace gander {
namespace {

constexpr const char* kExtensions[] = {GANDER_EXT_INSPECT, GANDER_EXT_MANAGE, GANDER_EXT_HEALTH,
                                       GANDER_EXT_MIGRATE, GANDER_EXT_RECLAIM};

struct Capability {
  std::uint64_t bit;
  const char* name;
};
constexpr Capability kCapabilities[] = {{GANDER_CAP_SCHEDULE, "schedule"},
                                        {GANDER_CAP_PRIORITY, "priority"},
                                        {GANDER_CAP_FRONT, "front"},
                                        {GANDER_CAP_IDEMPOTENT, "idempotent"},
                                        {GANDER_CAP_ORDERED, "ordered"},
                                        {GANDER_CAP_WAIT, "wait"},
                                        {GANDER_CAP_MULTI_PROCESS, "multi_process"},
                                        {GANDER_CAP_DURABLE, "durable"},
                                        {GANDER_CAP_SERVER_CLOCK, "server_clock"},
                                        {GANDER_CAP_INSTANT_RECLAIM, "instant_reclaim"}};

std::string abi_text(std::uint32_t abi) {
  return std::to_string(abi >> 16U) + "." + std::to_string(abi & 0xFFFFU);
}

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

std::vector<std::string> jobs_of(const gander_component& component) {
  std::vector<std::string> names;
  if (component.table == nullptr || text_of(component.kind) != GANDER_JOBS_KIND) return names;
  const auto* table = static_cast<const gander_jobs_table*>(component.table);
  for (std::uint32_t i = 0; i < table->count; ++i)
    names.emplace_back(GANDER_AT(gander_job_entry, table->jobs, table->item_size, i)->name);
  return names;
}

PluginComponent component_of(const gander_component& from) {
  PluginComponent to{text_of(from.kind), text_of(from.name), {}, text_of(from.config_schema), {},
                     jobs_of(from)};
  for (const char* const* s = from.uri_schemes; s != nullptr && *s != nullptr; ++s)
    to.schemes.emplace_back(*s);
  const Schema schema = Schema::parse(to.schema, to.name);
  for (const OptionInfo& o : schema.options())
    to.options.push_back(
        {o.name, o.type, o.default_value, o.description, o.secret, o.required, o.one_of});
  return to;
}

PluginInfo info_of(const LoadedPlugin& loaded) {
  const gander_plugin& p = *loaded.plugin;
  PluginInfo info{loaded.file,
                  {},
                  text_of(p.id),
                  text_of(p.version),
                  text_of(p.vendor),
                  text_of(p.license),
                  text_of(p.url),
                  text_of(p.build),
                  abi_text(p.abi),
                  abi_text(p.min_host_abi),
                  {}};
  for (std::uint32_t i = 0; i < p.count; ++i)
    info.components.push_back(
        component_of(*GANDER_AT(gander_component, p.components, p.item_size, i)));
  return info;
}

PluginInfo refused(const std::string& file, const std::string& why) {
  PluginInfo info;
  info.file = file;
  info.refusal = why;
  return info;
}

// A schema that does not read is a reason to refuse the file, not to show none of them.
PluginInfo described(const PluginListing& one) {
  if (!one.refusal.empty()) return refused(one.file, one.refusal);
  try {
    return info_of(one.loaded);
  } catch (const Error& e) {
    return refused(one.file, e.what());
  }
}

}  // namespace

const PluginComponent* PluginInfo::component(std::string_view kind) const {
  const auto found = std::find_if(components.begin(), components.end(),
                                  [&](const PluginComponent& c) { return c.kind == kind; });
  return found == components.end() ? nullptr : &*found;
}

std::string plugin_abi() { return abi_text(GANDER_ABI); }

PluginFolders plugin_folders(const Config& config) {
  const PluginLoader loader(config.plugin_path);
  return {loader.folders(), loader.ignored()};
}

std::vector<PluginInfo> plugins(const Config& config) {
  std::vector<PluginInfo> all;
  for (const PluginListing& one : PluginLoader(config.plugin_path).list())
    all.push_back(described(one));
  return all;
}

PluginInfo plugin_file(const std::string& file) {
  try {
    return info_of(PluginLoader::load(file));
  } catch (const Error& e) {
    return refused(file, e.what());
  }
}

PluginInfo plugin_of(std::string_view broker, const Config& config) {
  const BrokerConfig found = config.resolve_broker(broker);
  const PluginLoader loader(config.plugin_path);
  return info_of(found.plugin.empty() ? loader.find_scheme(found.url.substr(0, found.url.find(':')))
                                      : loader.find(GANDER_BROKER_KIND, found.plugin));
}

std::vector<std::string> capability_names(std::uint64_t capabilities) {
  std::vector<std::string> names;
  for (const Capability& c : kCapabilities)
    if ((capabilities & c.bit) != 0) names.emplace_back(c.name);
  return names;
}

std::vector<std::string> extensions_of(const Broker& broker) {
  std::vector<std::string> ids;
  for (const char* id : kExtensions) {
    try {
      static_cast<void>(broker.handle()->extension(id, "be asked"));
      ids.emplace_back(id);
    } catch (const Error& e) {
      if (e.code() != Code::unsupported) throw;
    }
  }
  return ids;
}

SecretTest secret_test(const Config& config) {
  const auto all = std::make_shared<const std::vector<PluginInfo>>(plugins(config));
  return [all](std::string_view plugin, std::string_view option) {
    for (const PluginInfo& info : *all)
      for (const PluginComponent& component : info.components)
        for (const PluginOption& o : component.options)
          if (component.name == plugin && o.name == option && o.secret) return true;
    return false;
  };
}

}  // namespace gander
