// What the tests do to a RabbitMQ beside the plugin: as its operator, with rabbitmqctl, and as
// another program, with queues of any shape. And a vhost of the test program's own, deleted at its
// end.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/expectations.h"
#include "../support/server.h"
#include "library.h"

namespace gander::test {

// What rabbitmqctl prints, as `ctl("list_queues name")`; throws when it fails.
std::string ctl(const std::string& arguments);
// The same of what lists, as rows of columns.
std::vector<std::vector<std::string>> ctl_rows(const std::string& arguments);

// A user of the server, deleted at its end. Without rights until some are granted.
class ServerUser {
 public:
  ServerUser(std::string name, const std::string& password);
  ~ServerUser();
  ServerUser(const ServerUser&) = delete;
  ServerUser& operator=(const ServerUser&) = delete;
  // In the vhost of the program: patterns of what he may configure, write and read.
  void grant(const std::string& configure, const std::string& write, const std::string& read) const;

 private:
  std::string name_;
};

// Another program, logged in as the user that the server was started with.
class Stranger {
 public:
  explicit Stranger(const std::string& url);
  // With this x-delivery-limit, if one is given.
  void declare(const std::string& queue, std::string_view type, std::int64_t limit = 0);
  void declare_exchange(const std::string& exchange, std::string_view type);
  void remove_queue(const std::string& queue);
  void remove_exchange(const std::string& exchange);
  void publish(const std::string& queue, const std::string& body);
  std::optional<std::uint32_t> count(
      const std::string& queue);  // that are ready; nothing: no queue

 private:
  struct Free {
    void operator()(amqp_connection_state_t raw) const { amqp_destroy_connection(raw); }
  };
  void open();
  bool refused();
  std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, Free> connection_;
};

// A prefix of its own for each test, in the vhost of the program.
class RabbitTest : public testing::Test {
 protected:
  void SetUp() override;
  Broker broker(std::map<std::string, std::string> options = {});
  [[nodiscard]] std::string named(const std::string& name) const { return prefix + "." + name; }
  // With somebody else's name, as "ada:password".
  [[nodiscard]] std::string url_as(const std::string& user) const;

  FakeHost host;
  std::string url, prefix;
  std::unique_ptr<Stranger> stranger;
};

std::string own_vhost();
Message later(Message m, const FakeHost& host, std::chrono::microseconds delay);

inline bool has(const gander_error& e, std::uint32_t flag) { return (e.flags & flag) != 0; }

}  // namespace gander::test
