#include <iostream>

#include "../environment.h"
#include "../exit_codes.h"
#include "../output.h"
#include "all.h"

namespace gander::cli {
namespace {

constexpr OptionSpec kOptions[] = {
    {"print", "", "print what would be done, and do nothing"},
};

void print_script(const Arguments& a, const std::string& script) {
  if (!a.json()) {
    std::cout << script;
    return;
  }
  print_json([&](Writer& out) {
    out.begin_object();
    json_field(out, "script", script);
    out.end_object();
  });
}

int run_migrate(const Arguments& a) {
  Admin admin = open_admin(a);
  if (a.has("print")) {
    print_script(a, admin.migration_script());
    return kOk;
  }
  const Migration done = admin.migrate();
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, "from_version", static_cast<std::int64_t>(done.from_version));
      json_field(out, "to_version", static_cast<std::int64_t>(done.to_version));
      out.end_object();
    });
  } else if (done.from_version == done.to_version) {
    std::cout << "nothing to do: version " << done.to_version << '\n';
  } else {
    std::cout << "migrated from version " << done.from_version << " to " << done.to_version << '\n';
  }
  return kOk;
}

}  // namespace

const Command kBrokerMigrate{"broker migrate",
                             "Create a broker's tables, or bring them up to date",
                             "For brokers that have tables. Safe to run from several machines at "
                             "once, and while workers run.",
                             {},
                             kOptions,
                             kAll,
                             run_migrate};

}  // namespace gander::cli
