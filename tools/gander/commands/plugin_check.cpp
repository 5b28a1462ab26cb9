#include <gander/conformance/kit.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include "../exit_codes.h"
#include "../output.h"
#include "../values.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr PositionalSpec kFile[] = {{"FILE", false}};
constexpr OptionSpec kOptions[] = {
    {"url", "URL", "of its server; {tmp} is a fresh folder for each check"},
    {"option", "KEY=VALUE", "another option; {word} is a fresh word", true},
    {"only", "CHECK", "a number, a name or a group", true},
    {"timeout", "SECONDS", "of one check, 45"},
    {"jobs", "N", "checks at the same time, 2"},
    {"seed", "N", "of the random checks; a new one each time"},
    {"in-process", "", "all in this process: for a debugger"},
    {"list", "", "list the checks and end"},
};

int list_checks(bool json) {
  const auto all = conformance::checks();
  if (json) {
    print_json([&](Writer& out) {
      out.begin_object();
      out.key("checks");
      out.begin_array();
      for (const conformance::Check& c : all) {
        out.begin_object();
        json_field(out, "number", std::int64_t{c.number});
        json_field(out, "name", c.name);
        json_field(out, "group", c.group);
        json_field(out, "gbc", c.gbc);
        json_field(out, "needs", c.needs);
        json_field(out, "sentence", c.sentence);
        out.end_object();
      }
      out.end_array();
      out.end_object();
    });
    return kOk;
  }
  Table table({">NO", "NAME", "GROUP", "COVERS"});
  for (const conformance::Check& c : all)
    table.add(
        {std::to_string(c.number), std::string(c.name), std::string(c.group), std::string(c.gbc)});
  table.print();
  return kOk;
}

int run(const Arguments& a) {
  if (a.has("list")) return list_checks(a.json());
  if (!a.has("FILE")) throw UsageError{"FILE is missing: which plugin shall be judged?"};
  conformance::KitOptions options;
  options.file = absolute_path(a.text("FILE"));
  options.url = a.text("url");
  for (const std::string& pair : a.list("option")) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError{"--option must be KEY=VALUE, not '" + pair + "'"};
    options.options.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  options.only = a.list("only");
  options.json = a.json();
  options.in_process = a.has("in-process");
  options.timeout = std::chrono::seconds(a.number("timeout", 45, 1, 86'400));
  options.jobs = static_cast<unsigned>(a.number("jobs", 2, 1, 256));
  options.seed =
      static_cast<std::uint64_t>(a.number("seed", 0, 0, std::numeric_limits<long long>::max()));
  return conformance::run_kit(options, std::cout);
}

}  // namespace

const Command kPluginCheck{"plugin check",
                           "Judge a broker plugin against the contract of the SDK",
                           "Each check runs in a process of its own, so a crash or a hang is a "
                           "result like any other. Exit code 1 when a check failed.",
                           kFile,
                           kOptions,
                           kJson,
                           run};

}  // namespace gander::cli
