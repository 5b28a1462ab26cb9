// A real Kafka of the test's own: one KRaft node on free ports of loopback, its data in a folder of
// its own, both gone with this object. Made of what ./tools/services fetched: GANDER_TEST_KAFKA_RUN
// runs a class of Kafka's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace gander::test {

class KafkaNode {
 public:
  // With a user, as "ada:password", nobody else is let in.
  explicit KafkaNode(const std::string& user = "");
  // A second one, of the same cluster: it can be killed without the first.
  explicit KafkaNode(const KafkaNode* first);
  ~KafkaNode();
  KafkaNode(const KafkaNode&) = delete;
  KafkaNode& operator=(const KafkaNode&) = delete;

  [[nodiscard]] bool there() const { return !run_.empty(); }
  void start();  // with the data it has; returns when its port is open
  void kill();   // SIGKILL
  [[nodiscard]] std::string url(const std::string& user = "") const;

 private:
  void prepare();
  void configure(const std::string& user);
  void format() const;
  [[nodiscard]] pid_t spawn(const std::string& arguments) const;

  std::string run_, folder_;
  std::uint16_t port_ = 0, controller_ = 0;
  int number_ = 1;
  pid_t pid_ = -1;
};

}  // namespace gander::test
