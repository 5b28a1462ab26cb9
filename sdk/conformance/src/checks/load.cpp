// Group load: the file, its one symbol, and what it describes.
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>

#include "../elf_file.h"
#include "../harness.h"
#include "../text.h"

extern char** environ;

namespace gander::conformance {
namespace {

using Entry = decltype(&gander_plugin_v1);

Entry entry_of(const std::string& file) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) throw Failure(say("cannot be loaded: ", dlerror()));
  void* symbol = dlsym(handle, "gander_plugin_v1");
  expect(symbol != nullptr, "exports no gander_plugin_v1");
  return reinterpret_cast<Entry>(symbol);
}

void one_symbol(Kit& kit) {
  bool found = false;
  for (const auto& name : read_elf(kit.file()).exported) {
    expect(name == "gander_plugin_v1", "it also exports ", name);
    found = true;
  }
  expect(found, "it does not export gander_plugin_v1");
}

void loads_alone(Kit& kit) { entry_of(kit.file()); }

void good_file(Kit& kit) {
  const ElfFacts facts = read_elf(kit.file());
  expect(!facts.static_tls, "STATIC_TLS is set: it may not load into a running host");
  expect(!facts.run_path,
         "RPATH or RUNPATH is set: it would look for libraries where it was built");
  expect(!facts.text_relocations, "it has relocations in its code");
  expect(!facts.executable_stack, "it asks for an executable stack");
  expect(facts.no_delete, "it is not linked with -z nodelete");
}

void unknown_major(Kit& kit) {
  const Entry entry = entry_of(kit.file());
  for (const std::uint32_t abi : {0U, 2U << 16U, 0xFFFF0000U})
    expect(entry(abi) == nullptr, "gander_plugin_v1(", abi, ") is not NULL");
}

void newer_minor(Kit& kit) {
  expect(entry_of(kit.file())(GANDER_ABI | 7U) != nullptr, "a host of ABI 1.7 is refused");
}

void same_pointer(Kit& kit) {
  const Entry entry = entry_of(kit.file());
  const auto* first = entry(GANDER_ABI);
  expect(first != nullptr, "gander_plugin_v1 returned NULL");
  expect(entry(GANDER_ABI) == first, "a second call returned another pointer");
}

std::string environment() {
  std::string all;
  for (char** e = environ; *e != nullptr; ++e) all.append(*e).append("\n");
  return all;
}

std::string signals() {
  std::string all;
  for (int n = 1; n < 65; ++n) {
    struct sigaction action {};
    if (sigaction(n, nullptr, &action) != 0) continue;
    all += say(n, ":", reinterpret_cast<std::uintptr_t>(action.sa_handler), " ");
  }
  return all;
}

void quiet_load(Kit& kit) {
  const auto files = open_files();
  const auto threads = live_threads();
  const auto env = environment(), handlers = signals();
  const std::string locale = setlocale(LC_ALL, nullptr);
  entry_of(kit.file())(GANDER_ABI);
  expect(open_files() == files, "it opened a file");
  expect(live_threads() == threads, "it started a thread");
  expect(environment() == env, "it changed the environment");
  expect(signals() == handlers, "it changed a signal handler");
  expect(locale == setlocale(LC_ALL, nullptr), "it changed the locale");
}

void quick_load(Kit& kit) {
  const auto start = std::chrono::steady_clock::now();
  entry_of(kit.file())(GANDER_ABI);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  // A busy machine or a cold disk is not the plugin's fault, so this only warns.
  if (took.count() >= 100) kit.warn(say("load took ", took.count(), " ms, not under 100"));
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name.front() >= 'a' && name.front() <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

void sane_descriptor(Kit& kit) {
  const gander_plugin* p = kit.plugin();
  expect(p->struct_size >= sizeof(gander_plugin), "gander_plugin.struct_size is ", p->struct_size);
  expect(p->item_size >= sizeof(gander_component), "item_size is ", p->item_size);
  expect((p->abi >> 16U) == GANDER_ABI_MAJOR, "abi is ", p->abi);
  expect((p->min_host_abi >> 16U) == GANDER_ABI_MAJOR, "min_host_abi is ", p->min_host_abi);
  expect(p->flags == 0, "flags is ", p->flags);
  expect(p->count > 0, "it describes no component");
  for (const char* text : {p->id, p->version, p->vendor, p->license, p->url, p->build}) {
    expect(text != nullptr, "a text of gander_plugin is NULL, not \"\"");
    expect(valid_utf8(text), "a text of gander_plugin is not UTF-8");
  }
  const std::string_view id = p->id;
  expect(id.find('.') != std::string_view::npos && id.front() != '.' && id.back() != '.', "id \"",
         id, "\" is not reverse DNS like \"org.example.name\"");
  expect(*p->version != '\0', "version is empty");
  for (std::uint32_t i = 0; i < p->count; ++i) {
    const auto* c = GANDER_AT(gander_component, p->components, p->item_size, i);
    expect(c->kind != nullptr && c->table != nullptr, "component ", i, " has no kind or no table");
    expect(c->name != nullptr && good_name(c->name), "component ", i, " has no good name");
    expect(c->config_schema != nullptr, "component ", c->name, " has no config_schema");
  }
}

void whole_table(Kit& kit) {
  const gander_broker_table& t = kit.table();
  expect(t.struct_size >= sizeof(t), "the table's struct_size is ", t.struct_size);
  const bool all = t.create != nullptr && t.destroy != nullptr && t.info != nullptr &&
                   t.get_extension != nullptr && t.open_session != nullptr &&
                   t.close_session != nullptr && t.enqueue != nullptr && t.exchange != nullptr &&
                   t.tend != nullptr && t.interrupt != nullptr;
  expect(all, "a function that may not be NULL is NULL");
  expect(t.wait != nullptr || !kit.has_cap(GANDER_CAP_WAIT), "it declares WAIT and wait is NULL");
}

void two_copies(Kit& kit) {
  const std::string copy = kit.tmp() + "/gander_copy.so";
  std::filesystem::copy_file(kit.file(), copy);
  const auto* first = entry_of(kit.file())(GANDER_ABI);
  const auto* second = entry_of(copy)(GANDER_ABI);
  expect(first != nullptr && second != nullptr, "one of two copies returned NULL");
  expect(first != second && first->components != second->components,
         "two copies of the file share their data: its symbols are not its own");
}

constexpr CheckDef kChecks[] = {
    {{1, "one-symbol", "load", "GBC-001", "", "the file exports gander_plugin_v1 and nothing else"},
     one_symbol},
    {{2, "loads-alone", "load", "GBC-021", "",
      "it loads with RTLD_NOW | RTLD_LOCAL, every symbol resolved"},
     loads_alone},
    {{3, "good-file", "load", "GBC-021", "",
      "no static TLS, no run path, no executable stack or text relocations, and never unmapped"},
     good_file},
    {{4, "unknown-major", "load", "GBC-003", "", "a host of another ABI major gets NULL"},
     unknown_major},
    {{5, "newer-minor", "load", "GBC-003", "", "a host of a newer minor is served"}, newer_minor},
    {{6, "same-pointer", "load", "GBC-002", "",
      "gander_plugin_v1 returns the same data every time"},
     same_pointer},
    {{7, "quiet-load", "load", "GBC-004", "",
      "loading starts no thread, opens no file and changes nothing of the process"},
     quiet_load},
    {{8, "quick-load", "load", "GBC-004", "", "loading takes less than 100 ms"}, quick_load},
    {{9, "sane-descriptor", "load", "GBC-022", "",
      "sizes, strides, names and texts of what it describes are right"},
     sane_descriptor},
    {{10, "whole-table", "load", "GBC-022", "", "every function that may not be NULL is there"},
     whole_table},
    {{11, "two-copies", "load", "GBC-001", "", "two copies in one process share nothing"},
     two_copies},
};
}  // namespace

std::span<const CheckDef> load_checks() { return kChecks; }
}  // namespace gander::conformance
