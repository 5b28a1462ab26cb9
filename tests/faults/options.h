// What fault_driver was told.
#pragma once

#include <filesystem>
#include <string>

namespace gander::faults {

struct Options {
  std::string broker;  // sqlite, or a URL
  int faults = 0;
  std::filesystem::path bin;  // where gander and the other programs were built
  bool json = false;
  bool keep = false;      // the logs, also when nothing is wrong
  double rate = 0;        // faults a second; 0: two where only processes die, else one
  int lease_ms = 10'000;  // of a worker of this broker: a stopped one is left so for longer
  std::string services;   // tools/services, and which of its servers the broker is; empty: the
  std::string server;     // server is left alone

  // Of a server that tells its clients where to connect, as Kafka: "LISTENER:PROXY LISTENER:PROXY",
  // ports of the server's, and where those who stand before them must be; one for each process.
  std::string ways;
  // Rebalance storms as well: of a broker whose workers share out what there is.
  bool storm = false;
  // The option by which a broker of this kind knows a worker that was replaced; empty: there is
  // none.
  std::string names;
  std::string only;  // the one kind of fault that is wanted; empty: all

  std::string leftovers;  // a program that is told server and URL, and fails when something is left

  // Faults of the network need a port to stand before, so a broker on a server.
  [[nodiscard]] bool on_network() const { return broker.find("://") != std::string::npos; }
};

// Throws std::invalid_argument with the usage.
Options read_options(int argc, char** argv);

}  // namespace gander::faults
