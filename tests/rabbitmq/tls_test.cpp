// A listener that talks TLS only, with an authority of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "../support/port.h"
#include "server.h"

namespace gander::test {
namespace {

using testing::HasSubstr;

class RabbitTls : public RabbitTest {
 protected:
  void SetUp() override {
    RabbitTest::SetUp();
    if (IsSkipped()) return;
    std::string pattern = (std::filesystem::temp_directory_path() / "gander-tls-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));  // the server's user reads
    run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority"
        " -keyout authority.key -out authority.pem");
    for (const std::string name : {"localhost", "worker"})
      run("openssl req -newkey rsa:2048 -nodes -subj /CN=" + name + " -keyout " + name +
          ".key -out " + name + ".csr && printf subjectAltName=DNS:" + name + " >" + name +
          ".ext && openssl x509 -req -days 2 -in " + name + ".csr -CA authority.pem" +
          " -CAkey authority.key -CAcreateserial -extfile " + name + ".ext -out " + name + ".pem");
    run("chmod 644 *.key");
  }
  void TearDown() override {
    for (const std::uint16_t port : listeners_)
      ctl("eval 'catch rabbit_networking:stop_tcp_listener(" + std::to_string(port) + ").'");
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }

  enum class Asks { nothing, for_a_certificate };
  std::uint16_t listen(Asks asks) {
    const std::uint16_t port = listeners_.emplace_back(free_port());
    const auto option = [&](const std::string& name, const std::string& at) {
      return ", {" + name + ", \"" + file(at) + "\"}";
    };
    ctl("eval 'ssl:start(), rabbit_networking:start_ssl_listener(" + std::to_string(port) +
        ", [{verify, " +
        (asks == Asks::nothing ? "verify_none}" : "verify_peer}, {fail_if_no_peer_cert, true}") +
        option("cacertfile", "authority.pem") + option("certfile", "localhost.pem") +
        option("keyfile", "localhost.key") + "], 2).'");
    return port;
  }
  Broker over(const std::string& name, std::uint16_t port,
              std::map<std::string, std::string> options) {
    const std::size_t from = url.find('@') + 1;
    options["url"] = "amqps" + url.substr(4, from - 4) + name + ":" + std::to_string(port) +
                     url.substr(url.find('/', from));
    return broker(std::move(options));
  }
  gander_error refusal(const std::string& name, std::uint16_t port,
                       const std::map<std::string, std::string>& options) {
    return error_of([&] { over(name, port, options).open(GANDER_ROLE_PRODUCE); });
  }
  // Many frames each way, which TLS cuts as it likes.
  static void expect_to_carry(Broker broker) {
    std::vector<Message> many;
    for (std::uint64_t n = 1; n <= 500; ++n) {
      many.push_back(message(n));
      many.back().body.assign(2000, 'x');
    }
    broker.open(GANDER_ROLE_PRODUCE).enqueue(many);
    Session consumer = broker.open(GANDER_ROLE_CONSUME, "w");
    std::vector<Taken> keep;
    EXPECT_EQ(take_until(consumer, 500, keep).size(), 500U);
  }

 private:
  void run(const std::string& command) const {
    const std::string whole = "cd '" + folder_ + "' && { " + command + "; } 2>/dev/null >&2";
    ASSERT_EQ(std::system(whole.c_str()), 0) << command;
  }
  std::string folder_;
  std::vector<std::uint16_t> listeners_;
};

TEST_F(RabbitTls, TheServersCertificateAndItsNameAreChecked) {
  const std::uint16_t port = listen(Asks::nothing);
  const gander_error e = refusal("localhost", port, {});
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_THAT(e.message, HasSubstr("tls_ca_file"));
  const std::map<std::string, std::string> trusting{{"tls_ca_file", file("authority.pem")}};
  EXPECT_EQ(refusal("127.0.0.1", port, trusting).code, GANDER_UNAVAILABLE);
  expect_to_carry(over("localhost", port, trusting));
}

TEST_F(RabbitTls, ACertificateIsShownWhereTheServerAsksForOne) {
  const std::uint16_t port = listen(Asks::for_a_certificate);
  std::map<std::string, std::string> options{{"tls_ca_file", file("authority.pem")}};
  const gander_error e = refusal("localhost", port, options);
  EXPECT_EQ(e.code, GANDER_UNAVAILABLE);
  EXPECT_THAT(e.message, HasSubstr("tls_cert_file"));
  options["tls_cert_file"] = file("worker.pem");
  options["tls_key_file"] = file("worker.key");
  expect_to_carry(over("localhost", port, options));
  options["tls_key_file"] = file("localhost.key");
  EXPECT_EQ(refusal("localhost", port, options).code, GANDER_CONFIG) << "the key of another";
}

}  // namespace
}  // namespace gander::test
