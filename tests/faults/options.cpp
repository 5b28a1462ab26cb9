#include "options.h"

#include <stdexcept>

namespace gander::faults {

namespace {
constexpr const char* kUsage =
    "usage: fault_driver sqlite|URL FAULTS BIN [--json] [--rate FAULTS-PER-SECOND] [--lease-ms N]\n"
    "                    [--server NAME --services PATH-OF-TOOLS/SERVICES] [--leftovers PROGRAM]\n"
    "                    [--ways 'LISTENER:PROXY ...'] [--storm] [--only KIND] [--keep]\n"
    "                    [--names OPTION-OF-THE-BROKER] [--nameless]";

void read_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "--rate")
    options.rate = std::stod(value);
  else if (name == "--lease-ms")
    options.lease_ms = std::stoi(value);
  else if (name == "--server")
    options.server = value;
  else if (name == "--services")
    options.services = std::filesystem::absolute(value);
  else if (name == "--only")
    options.only = value;
  else if (name == "--names")
    options.names = value;
  else if (name == "--ways")
    options.ways = value;
  else if (name == "--leftovers")
    options.leftovers = std::filesystem::absolute(value);
  else
    throw std::invalid_argument(kUsage);
}
}  // namespace

Options read_options(int argc, char** argv) {
  if (argc < 4) throw std::invalid_argument(kUsage);
  Options options;
  options.broker = argv[1];
  options.faults = std::atoi(argv[2]);
  options.bin = std::filesystem::absolute(argv[3]);
  for (int i = 4; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--json")
      options.json = true;
    else if (name == "--keep")
      options.keep = true;
    else if (name == "--nameless")
      options.names.clear();
    else if (name == "--storm")
      options.storm = true;
    else if (i + 1 < argc)
      read_option(options, name, argv[++i]);
    else
      throw std::invalid_argument(kUsage);
  }
  if (options.faults <= 0 || options.server.empty() != options.services.empty())
    throw std::invalid_argument(kUsage);
  if (options.rate <= 0) options.rate = options.on_network() ? 1 : 2;
  return options;
}

}  // namespace gander::faults
