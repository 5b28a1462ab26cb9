#include "guarded.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "../support/page.h"

namespace gander::test {
namespace {

constexpr int kPatienceMs = 20'000;
constexpr const char* kLogin = "org.apache.kafka.common.security.";

std::string word_of(const std::string& user) { return "5ecret." + user; }

std::string fresh_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "gander-tls-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return pattern;
}

// Its own authority. It says 127.0.0.1 and so not localhost.
void make_certificate(const std::string& stem) {
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-subj /CN=gander -addext subjectAltName=IP:127.0.0.1 -keyout '" +
      stem + ".key' -out '" + stem + ".pem' 2>/dev/null && cat '" + stem + ".key' '" + stem +
      ".pem' >'" + stem + ".both'";
  if (std::system(make.c_str()) != 0) throw std::runtime_error("openssl failed: " + make);
}

using Acl = std::shared_ptr<rd_kafka_AclBinding_t>;

Acl filter(const std::string& user, rd_kafka_ResourceType_t on) {
  return {rd_kafka_AclBindingFilter_new(
              on, nullptr, RD_KAFKA_RESOURCE_PATTERN_ANY, ("User:" + user).c_str(), nullptr,
              RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY, nullptr, 0),
          rd_kafka_AclBinding_destroy};
}

}  // namespace

Guarded::Guarded() : folder_(fresh_folder()), node_(doors()) {
  if (!there()) return;
  // librdkafka 2.0.2 knows no transactional ids here.
  std::string rights = "org.apache.kafka.tools.AclCommand --bootstrap-server 127.0.0.1:" +
                       std::to_string(node_.port("PLAINTEXT")) +
                       " --add --force --operation Write --resource-pattern-type prefixed";
  for (std::size_t i = kWithoutTransactions; i < kUsers.size(); ++i)
    rights +=
        std::string(" --allow-principal User:") + kUsers[i] + " --transactional-id " + kUsers[i];
  node_.run(rights);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers",
                    ("127.0.0.1:" + std::to_string(node_.port("PLAINTEXT"))).c_str(), nullptr, 0);
  admin_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
}

Guarded::~Guarded() {
  if (admin_ != nullptr) rd_kafka_destroy(admin_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

KafkaNode::Doors Guarded::doors() {
  make_certificate(folder_ + "/right");
  make_certificate(folder_ + "/wrong");
  const auto plain = [](const std::string& listener, const auto& users) {
    std::string line = "listener.name." + listener + ".plain.sasl.jaas.config=" + kLogin +
                       "plain.PlainLoginModule required";
    for (const char* user : users)
      line += std::string(" user_") + user + "=\"" + word_of(user) + "\"";
    return line + ";\n";
  };
  KafkaNode::Doors doors{{"PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"}, "", ""};
  doors.properties =
      "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
      "super.users=User:ANONYMOUS;User:" +
      std::string(kTlsUser) +
      "\nlistener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN\n"
      "listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n"
      "ssl.keystore.type=PEM\nssl.keystore.location=" +
      folder_ + "/right.both\n" + plain("sasl_plaintext", kUsers) +
      plain("sasl_ssl", std::array{kTlsUser});
  for (const std::string bits : {"256", "512"}) {
    doors.properties += "listener.name.sasl_ssl.scram-sha-" + bits + ".sasl.jaas.config=" + kLogin +
                        "scram.ScramLoginModule required;\n";
    doors.format += " --add-scram 'SCRAM-SHA-" + bits + "=[name=" + kTlsUser +
                    ",password=" + word_of("scram-sha-" + bits) + "]'";
  }
  return doors;
}

std::string Guarded::anonymous_url() const {
  return "kafka://127.0.0.1:" + std::to_string(node_.port("SASL_PLAINTEXT"));
}

std::map<std::string, std::string> Guarded::as(const std::string& user) const {
  return {{"url", "kafka://" + user + ":" + word_of(user) +
                      "@127.0.0.1:" + std::to_string(node_.port("SASL_PLAINTEXT"))},
          {"sasl_mechanism", "plain"},
          {"prefix", user},
          {"partitions", "1"},
          {"lease_ms", "1500"}};
}

std::map<std::string, std::string> Guarded::by_tls(const std::string& mechanism) const {
  return {{"url", "kafka://127.0.0.1:" + std::to_string(node_.port("SASL_SSL"))},
          {"username", kTlsUser},
          {"password", word_of(mechanism == "plain" ? kTlsUser : mechanism)},
          {"sasl_mechanism", mechanism},
          {"tls", "true"},
          {"properties", "ssl.ca.location=" + authority()},
          {"prefix", mechanism == "plain" ? "tls" : mechanism.substr(10)},
          {"partitions", "1"}};
}

std::set<rd_kafka_AclOperation_t> Guarded::granted(const std::string& user,
                                                   rd_kafka_ResourceType_t on) {
  const Acl of = filter(user, on);
  const auto answer = ask(admin_, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeAcls(admin_, of.get(), nullptr, queue);
  });
  std::size_t count = 0;
  const auto* const* acls =
      rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(answer.get()), &count);
  std::set<rd_kafka_AclOperation_t> operations;
  for (std::size_t i = 0; i < count; ++i) operations.insert(rd_kafka_AclBinding_operation(acls[i]));
  return operations;
}

std::int64_t Guarded::begin_of(const std::string& topic) {
  std::int64_t low = -1, high = -1;
  rd_kafka_query_watermark_offsets(admin_, topic.c_str(), 0, &low, &high, kPatienceMs);
  return low;
}

void Guarded::grant(const std::string& user, rd_kafka_ResourceType_t on,
                    std::initializer_list<rd_kafka_AclOperation_t> operations) {
  std::vector<Acl> acls;
  std::vector<rd_kafka_AclBinding_t*> raw;
  for (const rd_kafka_AclOperation_t operation : operations) {
    acls.emplace_back(rd_kafka_AclBinding_new(on, user.c_str(), RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
                                              ("User:" + user).c_str(), "*", operation,
                                              RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, nullptr, 0),
                      rd_kafka_AclBinding_destroy);
    raw.push_back(acls.back().get());
  }
  ask(admin_, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateAcls(admin_, raw.data(), raw.size(), nullptr, queue);
  });
  const std::set wanted(operations);
  ASSERT_TRUE(eventually([&] { return std::ranges::includes(granted(user, on), wanted); }));
}

void Guarded::grant_topics(const std::string& user) {
  grant(user, RD_KAFKA_RESOURCE_TOPIC,
        {RD_KAFKA_ACL_OPERATION_READ, RD_KAFKA_ACL_OPERATION_WRITE, RD_KAFKA_ACL_OPERATION_CREATE,
         RD_KAFKA_ACL_OPERATION_DESCRIBE, RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
         RD_KAFKA_ACL_OPERATION_DELETE});
}

void Guarded::grant_as_shown(const std::string& user) {
  const auto shown = all_between(read_page(GANDER_KAFKA_PAGE), "\nkafka-acls.sh", "\n");
  EXPECT_EQ(shown.size(), 3U);
  for (std::string command : shown) {
    const auto replace = [&](const std::string& what, const std::string& by) {
      const auto at = command.find(what);
      ASSERT_NE(at, std::string::npos) << what << " in " << command;
      command.replace(at, what.size(), by);
    };
    replace("localhost:9092", "127.0.0.1:" + std::to_string(node_.port("PLAINTEXT")));
    replace("User:jobs", "User:" + user);
    replace(" gander", " " + user);
    node_.run("org.apache.kafka.tools.AclCommand" + command);
  }
}

void Guarded::revoke(const std::string& user, rd_kafka_ResourceType_t on) {
  const Acl of = filter(user, on);
  rd_kafka_AclBindingFilter_t* raw = of.get();
  ask(admin_,
      [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteAcls(admin_, &raw, 1, nullptr, queue); });
  ASSERT_TRUE(eventually([&] { return granted(user, on).empty(); }));
}

}  // namespace gander::test
