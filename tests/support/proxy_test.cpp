#include "proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tcp_client.h"

namespace gander::test {
namespace {

using std::chrono::milliseconds;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Says what it hears, and counts the bytes.
class EchoServer {
 public:
  EchoServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no echo server");
    port = ntohs(address.sin_port);
    accepter_ = std::thread([this] {
      for (int fd = 0; (fd = accept(listener_, nullptr, nullptr)) >= 0;)
        talkers_.emplace_back([this, fd] { talk(fd); });
    });
  }
  // After its clients are gone.
  ~EchoServer() {
    shutdown(listener_, SHUT_RDWR);
    accepter_.join();
    for (std::thread& each : talkers_) each.join();
    close(listener_);
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  std::uint16_t port = 0;
  std::atomic<std::size_t> heard{0};

 private:
  void talk(int fd) {
    char block[4096];
    for (ssize_t n = 0; (n = recv(fd, block, sizeof block, 0)) > 0;) {
      heard += static_cast<std::size_t>(n);
      if (send(fd, block, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) break;
    }
    close(fd);
  }

  int listener_;
  std::thread accepter_;
  std::vector<std::thread> talkers_;
};

struct ProxyTest : testing::Test {
  EchoServer server;
  Proxy proxy{server.port};

  void wait_until_heard(std::size_t bytes) const {
    while (server.heard < bytes) std::this_thread::yield();
  }
};

TEST_F(ProxyTest, PassesBytesBothWaysAndTheEndAfterThem) {
  TcpClient client(proxy.port());
  const std::string much(1'000'000, 'x');
  std::thread sender([&] {
    client.say(much);
    client.say_no_more();
  });
  EXPECT_EQ(client.hear(much.size()), much);
  EXPECT_EQ(client.hear(1), "end");
  sender.join();
  while (proxy.connections() > 0) std::this_thread::yield();
}

TEST_F(ProxyTest, ACutResetsEveryConnectionAndServesNewOnes) {
  TcpClient one(proxy.port()), two(proxy.port());
  one.say("a");
  two.say("b");
  ASSERT_EQ(one.hear(1) + two.hear(1), "ab");
  proxy.cut();
  EXPECT_EQ(proxy.connections(), 0U);
  EXPECT_EQ(one.hear(1), "reset");
  EXPECT_EQ(two.hear(1), "reset");
  TcpClient three(proxy.port());
  three.say("c");
  EXPECT_EQ(three.hear(1), "c");
}

TEST_F(ProxyTest, RefusesUntilItIsHealed) {
  proxy.refuse();
  {
    TcpClient client(proxy.port());
    client.say("a");
    const std::string heard = client.hear(1);
    EXPECT_TRUE(heard == "reset" || heard == "end") << heard;
  }
  proxy.heal();
  TcpClient client(proxy.port());
  client.say("b");
  EXPECT_EQ(client.hear(1), "b");
}

TEST_F(ProxyTest, DelaysEachByteInBothDirectionsAndKeepsTheirOrder) {
  TcpClient client(proxy.port());
  proxy.delay(milliseconds(150));
  const auto before = std::chrono::steady_clock::now();
  client.say("slow");
  wait_until_heard(4);
  proxy.heal();
  client.say("fast");
  EXPECT_EQ(client.hear(8), "slowfast");
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(150));
}

TEST_F(ProxyTest, KeepsAHalfOpenConnectionWithoutAWordAndCutsItWhenHealed) {
  TcpClient old(proxy.port());
  old.say("a");
  ASSERT_EQ(old.hear(1), "a");
  proxy.swallow();
  TcpClient fresh(proxy.port());
  old.say("b");
  fresh.say("c");
  EXPECT_EQ(old.hear(1, milliseconds(50)), "silence");
  EXPECT_EQ(fresh.hear(1, milliseconds(50)), "silence");
  proxy.heal();
  EXPECT_EQ(old.hear(1), "reset");
  EXPECT_EQ(fresh.hear(1), "reset");
  EXPECT_EQ(server.heard, 1U);
}

TEST_F(ProxyTest, DropsTheReplyToARequestThatTheServerGot) {
  TcpClient bystander(proxy.port()), client(proxy.port());
  bystander.say("a");
  ASSERT_EQ(bystander.hear(1), "a");
  proxy.drop_reply();
  client.say("request");
  EXPECT_EQ(client.hear(1), "reset");
  EXPECT_EQ(server.heard, 8U);
  EXPECT_EQ(proxy.replies_dropped(), 1U);
  bystander.say("b");
  EXPECT_EQ(bystander.hear(1), "b");
}

TEST(Proxy, ResetsItsClientsWhenThereIsNoServer) {
  std::uint16_t nobody = 0;
  { nobody = EchoServer().port; }
  Proxy proxy(nobody);
  TcpClient client(proxy.port());
  EXPECT_EQ(client.hear(1), "reset");
}

TEST(ProxyUrl, FindsAndReplacesThePort) {
  EXPECT_EQ(port_of("redis://127.0.0.1:6379/0?lease_ms=2000"), 6379);
  EXPECT_EQ(with_port("postgresql://u:p@localhost:5432/db", 99),
            "postgresql://u:p@localhost:99/db");
  EXPECT_EQ(with_port("kafka://127.0.0.1:9092", 1), "kafka://127.0.0.1:1");
  EXPECT_THROW(port_of("redis://localhost/0"), std::invalid_argument);
  EXPECT_THROW(port_of("sqlite:jobs.db"), std::invalid_argument);
}

}  // namespace
}  // namespace gander::test
