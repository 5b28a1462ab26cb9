// A real Kafka of the test's own: one KRaft node on free ports of loopback, its data in a folder of
// its own, both gone with this object. Made of what ./tools/services fetched: GANDER_TEST_KAFKA_RUN
// runs a class of Kafka's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gander::test {

class KafkaNode {
 public:
  // The listeners, each by the name of its protocol, the first for the node itself; lines of its
  // configuration that go with them; arguments of the tool that makes its storage.
  struct Doors {
    std::vector<std::string> protocols{"PLAINTEXT"};
    std::string properties, format;
    bool start = true;  // at once
    bool way = false;   // see Way
  };

  explicit KafkaNode(const Doors& doors);
  // With a user, as "ada:password", nobody else is let in.
  explicit KafkaNode(const std::string& user = "");
  // A second one, of the same cluster: it can be killed without the first.
  explicit KafkaNode(const KafkaNode* first);
  ~KafkaNode();
  KafkaNode(const KafkaNode&) = delete;
  KafkaNode& operator=(const KafkaNode&) = delete;

  [[nodiscard]] bool there() const { return !run_.empty(); }
  void start();         // with the data it has; returns when its port is open
  void kill();          // SIGKILL
  void freeze() const;  // SIGSTOP, until it is killed
  [[nodiscard]] std::string url(const std::string& user = "") const;
  [[nodiscard]] std::uint16_t port(const std::string& protocol) const;
  // A client connects where the node tells it to, and not where it first found it. This is one
  // listener more, which tells it of a port where the test has a proxy to the listener.
  struct Way {
    std::uint16_t listener = 0, proxy = 0;
  };
  [[nodiscard]] Way way() const { return way_; }
  // Runs a class of Kafka's to its end; throws when it fails.
  void run(const std::string& arguments) const;

 private:
  void make(const Doors& doors);
  [[nodiscard]] pid_t spawn(const std::string& arguments) const;

  std::string run_, folder_;
  std::vector<std::string> protocols_;
  std::vector<std::uint16_t> ports_;  // of each
  std::uint16_t controller_ = 0;
  Way way_;
  int number_ = 1;
  pid_t pid_ = -1;
};

}  // namespace gander::test
