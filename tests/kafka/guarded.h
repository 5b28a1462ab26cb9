// A real Kafka that asks who comes: users of SASL, with what each has been granted and no more, and
// TLS. Its plain listener is the test's own, who may do anything.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>

#include "cluster.h"
#include "kafka_node.h"

namespace gander::test {

// Each may write transactional ids that begin with his name, but for the first three; all else is
// granted by the tests. By SASL/PLAIN, where TLS is not asked for.
inline constexpr std::size_t kWithoutTransactions = 3;
inline constexpr std::array kUsers{"nobody", "loose", "whole",   "groupless",
                                   "blind",  "mute",  "dropped", "hoarder"};
// Comes by TLS, may do anything, and has a password for each mechanism of SCRAM and for PLAIN.
inline constexpr const char* kTlsUser = "sam";

class Guarded {
 public:
  Guarded();
  ~Guarded();
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  [[nodiscard]] bool there() const { return node_.there(); }
  // Of the listener that asks for a user, without one.
  [[nodiscard]] std::string anonymous_url() const;
  // Of a broker for this user, whose topics and group begin with his name.
  [[nodiscard]] std::map<std::string, std::string> as(const std::string& user) const;
  // By TLS, with the right certificate trusted; "plain" or "scram-sha-512" or ...
  [[nodiscard]] std::map<std::string, std::string> by_tls(const std::string& mechanism) const;
  [[nodiscard]] std::string authority() const { return folder_ + "/right.pem"; }
  [[nodiscard]] std::string wrong_authority() const { return folder_ + "/wrong.pem"; }

  // On topics or groups that begin with the user's name; returns when the node goes by it.
  void grant(const std::string& user, rd_kafka_ResourceType_t on,
             std::initializer_list<rd_kafka_AclOperation_t> operations);
  void grant_topics(const std::string& user);    // all that the page asks for
  void grant_as_shown(const std::string& user);  // by the commands of the page
  // The offset of the first record that its only partition still has.
  std::int64_t begin_of(const std::string& topic);
  void revoke(const std::string& user, rd_kafka_ResourceType_t on);

 private:
  KafkaNode::Doors doors();
  std::set<rd_kafka_AclOperation_t> granted(const std::string& user, rd_kafka_ResourceType_t on);

  std::string folder_;  // of the certificates
  KafkaNode node_;
  rd_kafka_t* admin_ = nullptr;
};

// Every case of the two files of tests shares one node.
class KafkaGuarded : public testing::Test {
 protected:
  static void SetUpTestSuite() { guarded_ = std::make_unique<Guarded>(); }
  static void TearDownTestSuite() { guarded_.reset(); }
  void SetUp() override {
    if (!guarded_->there()) GTEST_SKIP() << server_absence("kafka");
  }
  static Guarded& guarded() { return *guarded_; }

 private:
  static inline std::unique_ptr<Guarded> guarded_;
};

}  // namespace gander::test
