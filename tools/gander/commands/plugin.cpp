#include <gander/plugins.h>

#include <filesystem>
#include <iostream>

#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kPlugin[] = {{"PLUGIN"}};
constexpr OptionSpec kInfoOptions[] = {
    {"url", "URL", "ask its server too: capabilities, limits, version"},
};

// "gander.broker/1" -> "broker"
std::string short_kind(const std::string& kind) {
  const std::size_t dot = kind.find('.');
  return kind.substr(dot + 1, kind.rfind('/') - dot - 1);
}

std::string offers(const PluginComponent& c) {
  std::vector<std::string> words;
  for (const std::string& scheme : c.schemes) words.push_back(scheme + ":");
  if (!c.jobs.empty()) words.push_back(std::to_string(c.jobs.size()) + " jobs");
  return joined(words, " ");
}

void write_option(Writer& out, const PluginOption& o) {
  out.begin_object();
  json_field(out, "name", o.name);
  json_field(out, "type", o.type);
  out.key("required");
  out.boolean(o.required);
  out.key("secret");
  out.boolean(o.secret);
  out.key("default");
  if (o.required)
    out.null();
  else
    out.string(o.default_value);
  json_list(out, "one_of", o.one_of);
  json_field(out, "description", o.description);
  out.end_object();
}

void write_component(Writer& out, const PluginComponent& c) {
  out.begin_object();
  json_field(out, "kind", c.kind);
  json_field(out, "name", c.name);
  json_list(out, "schemes", c.schemes);
  json_list(out, "jobs", c.jobs);
  out.key("options");
  out.begin_array();
  for (const PluginOption& o : c.options) write_option(out, o);
  out.end_array();
  out.end_object();
}

void write_fields(Writer& out, const PluginInfo& info) {
  json_field(out, "file", info.file);
  if (!info.refusal.empty()) {
    json_field(out, "refusal", info.refusal);
    return;
  }
  json_field(out, "id", info.id);
  json_field(out, "version", info.version);
  json_field(out, "abi", info.abi);
  json_field(out, "min_host_abi", info.min_host_abi);
  json_field(out, "vendor", info.vendor);
  json_field(out, "license", info.license);
  json_field(out, "url", info.url);
  json_field(out, "build", info.build);
  out.key("components");
  out.begin_array();
  for (const PluginComponent& c : info.components) write_component(out, c);
  out.end_array();
}

int run_list(const Arguments& a) {
  const std::vector<PluginInfo> all = plugins(config_from(a));
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      out.key("plugins");
      out.begin_array();
      for (const PluginInfo& info : all) {
        out.begin_object();
        write_fields(out, info);
        out.end_object();
      }
      out.end_array();
      out.end_object();
    });
    return kOk;
  }
  Table table({"NAME", "KIND", "VERSION", "SERVES", "FILE"});
  for (const PluginInfo& info : all)
    for (const PluginComponent& c : info.components)
      table.add({c.name, short_kind(c.kind), info.version, offers(c), info.file});
  table.print();
  for (const PluginInfo& info : all)
    if (!info.refusal.empty()) std::cout << "refused: " << info.refusal << '\n';
  return kOk;
}

// A name, or a file when it has a slash or ends in .so.
PluginInfo named(const Arguments& a, const Config& config) {
  const std::string name = a.text("PLUGIN");
  if (name.find('/') != std::string::npos || name.ends_with(".so"))
    return plugin_file(absolute_path(name));
  std::vector<std::string> names;
  for (PluginInfo& info : plugins(config)) {
    for (const PluginComponent& c : info.components) {
      if (c.name == name) return std::move(info);
      names.push_back(c.name);
    }
  }
  throw Declined{"there is no plugin '" + name +
                 "'; found are: " + (names.empty() ? "none" : joined(names)) +
                 ". `gander plugin doctor` shows where it looked"};
}

PluginInfo loaded(const Arguments& a, const Config& config) {
  PluginInfo info = named(a, config);
  if (!info.refusal.empty()) throw Error(Code::config, info.refusal);
  return info;
}

// What only an instance can tell.
struct Live {
  std::optional<BrokerInfo> broker;
  std::vector<std::string> extensions;
  std::string problem;  // why it cannot be told
};

Live live_of(const Arguments& a, const PluginInfo& info, Config config) {
  Live live;
  const PluginComponent* component = info.component("gander.broker/1");
  if (component == nullptr) return live;
  BrokerConfig with;
  with.name = component->name;
  with.plugin = component->name;
  with.url = a.text("url");
  // The file that is asked about is the one that is opened, wherever it was found.
  config.plugin_path.insert(config.plugin_path.begin(),
                            std::filesystem::path(info.file).parent_path().string());
  config.brokers = {with};
  config.broker = with.name;
  try {
    const Broker broker(config);
    live.extensions = extensions_of(broker);
    if (a.has("url")) live.broker = broker.info();
  } catch (const Error& e) {
    if (a.has("url")) throw;
    live.problem = e.what();
  }
  return live;
}

void print_options(const PluginComponent& c) {
  if (c.options.empty()) return;
  std::cout << "\noptions of " << c.name << ":\n";
  for (const PluginOption& o : c.options) {
    std::string marks = o.type;
    if (!o.one_of.empty()) marks = joined(o.one_of, "|");
    if (o.secret) marks += ", secret";
    marks += o.required ? ", required" : ", default \"" + (o.secret ? "" : o.default_value) + "\"";
    std::cout << "  " << o.name << " (" << marks << ")\n" << wrapped(o.description, 6) << '\n';
  }
}

void print_info(const PluginInfo& info, const Live& live) {
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"id", info.id},         {"version", info.version},
      {"file", info.file},     {"plugin ABI", info.abi + ", needs a host of " + info.min_host_abi},
      {"vendor", info.vendor}, {"license", info.license},
      {"url", info.url},       {"build", info.build}};
  for (const PluginComponent& c : info.components) {
    pairs.emplace_back(short_kind(c.kind), c.name);
    pairs.emplace_back("schemes", joined(c.schemes));
    pairs.emplace_back("jobs", joined(c.jobs));
  }
  pairs.emplace_back("extensions", joined(live.extensions));
  if (live.broker) {
    pairs.emplace_back("server", live.broker->server);
    pairs.emplace_back("capabilities", joined(capability_names(live.broker->capabilities)));
    pairs.emplace_back("messages a call", std::to_string(live.broker->max_batch));
    pairs.emplace_back("bytes a body", std::to_string(live.broker->max_body));
  }
  print_pairs(pairs);
  for (const PluginComponent& c : info.components) print_options(c);
}

int run_info(const Arguments& a) {
  const Config config = config_from(a);
  const PluginInfo info = loaded(a, config);
  const Live live = live_of(a, info, config);
  if (!a.json()) {
    print_info(info, live);
    return kOk;
  }
  print_json([&](Writer& out) {
    out.begin_object();
    write_fields(out, info);
    json_list(out, "extensions", live.extensions);
    if (live.broker) {
      json_field(out, "server", live.broker->server);
      json_list(out, "capabilities", capability_names(live.broker->capabilities));
      json_field(out, "max_batch", std::int64_t{live.broker->max_batch});
      json_field(out, "max_body", static_cast<std::int64_t>(live.broker->max_body));
    }
    out.end_object();
  });
  return kOk;
}

int run_schema(const Arguments& a) {
  const PluginInfo info = loaded(a, config_from(a));
  for (const PluginComponent& c : info.components) {
    if (c.schema.empty()) continue;
    std::cout << c.schema << (c.schema.ends_with('\n') ? "" : "\n");
    return kOk;
  }
  throw Declined{"plugin " + info.file + " takes no options, so it has no schema"};
}

int run_doctor(const Arguments& a) {
  const Config config = config_from(a);
  const PluginFolders folders = plugin_folders(config);
  const std::vector<PluginInfo> all = plugins(config);
  bool well = folders.ignored.empty();
  for (const PluginInfo& info : all) well = well && info.refusal.empty();
  const auto is_there = [](const std::string& folder) {
    std::error_code ec;
    return std::filesystem::is_directory(folder, ec);
  };
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "abi", plugin_abi());
      out.key("folders");
      out.begin_array();
      for (const std::string& folder : folders.searched) {
        out.begin_object();
        json_field(out, "folder", folder);
        out.key("exists");
        out.boolean(is_there(folder));
        out.end_object();
      }
      out.end_array();
      json_list(out, "ignored", folders.ignored);
      out.key("files");
      out.begin_array();
      for (const PluginInfo& info : all) {
        out.begin_object();
        json_field(out, "file", info.file);
        json_field(out, "refusal", info.refusal);
        out.end_object();
      }
      out.end_array();
      out.end_object();
    });
    return well ? kOk : kNo;
  }
  std::cout << "plugin ABI " << plugin_abi() << "; looks in, in this order:\n";
  for (const std::string& folder : folders.searched) {
    std::cout << "  " << folder << (is_there(folder) ? "" : " (not there)") << '\n';
    for (const PluginInfo& info : all) {
      if (std::filesystem::path(info.file).parent_path() != folder) continue;
      std::cout << "    " << std::filesystem::path(info.file).filename().string() << ": "
                << (info.refusal.empty() ? "loads" : "refused: " + info.refusal) << '\n';
    }
  }
  for (const std::string& why : folders.ignored) std::cout << "ignored: " << why << '\n';
  return well ? kOk : kNo;
}

}  // namespace

const Command kPluginList{"plugin list",
                          "List the plugins found, and those refused with the reason",
                          "",
                          {},
                          {},
                          kJson | kConfig,
                          run_list};
const Command kPluginInfo{"plugin info",
                          "Show what a plugin says of itself, and its options",
                          "PLUGIN is a name or a file.",
                          kPlugin,
                          kInfoOptions,
                          kJson | kConfig,
                          run_info};
const Command kPluginSchema{"plugin schema",
                            "Print the JSON Schema of a plugin's options",
                            "PLUGIN is a name or a file.",
                            kPlugin,
                            {},
                            kJson | kConfig,
                            run_schema};
const Command kPluginDoctor{"plugin doctor",
                            "Print every folder looked in, and why a file was refused",
                            "Exit code 1 when something was refused or ignored.",
                            {},
                            {},
                            kJson | kConfig,
                            run_doctor};

}  // namespace gander::cli
