#include "server.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "../support/output_of.h"
#include "proxy.h"

namespace gander::test {
namespace {

using rabbitmq::amqp_bytes;

// "user:password" of an URL.
std::string user_of(const std::string& url) {
  const std::size_t from = url.find("://") + 3;
  return url.substr(from, url.find('@') - from);
}

class Vhost {
 public:
  Vhost() : name_("gander-test-" + std::to_string(getpid())) {
    ctl("add_vhost " + name_);
    const std::string user = user_of(server_url("rabbitmq"));
    ctl("set_permissions -p " + name_ + " " + user.substr(0, user.find(':')) + " '.*' '.*' '.*'");
  }
  ~Vhost() {
    try {
      ctl("delete_vhost " + name_);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "the vhost %s stays: %s\n", name_.c_str(), e.what());
    }
  }
  Vhost(const Vhost&) = delete;
  Vhost& operator=(const Vhost&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace

std::string ctl(const std::string& arguments) {
  return output_of(server_variable("rabbitmq", "CTL") + " -q " + arguments + " 2>&1");
}

std::vector<std::vector<std::string>> ctl_rows(const std::string& arguments) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(ctl(arguments));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    rows.emplace_back();
    for (std::string column; std::getline(columns, column, '\t');) rows.back().push_back(column);
  }
  return rows;
}

std::string own_vhost() {
  static const Vhost vhost;
  return vhost.name();
}

ServerUser::ServerUser(std::string name, const std::string& password) : name_(std::move(name)) {
  ctl("add_user " + name_ + " " + password);
}

ServerUser::~ServerUser() {
  try {
    ctl("delete_user " + name_);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "the user %s stays: %s\n", name_.c_str(), e.what());
  }
}

void ServerUser::grant(const std::string& configure, const std::string& write,
                       const std::string& read) const {
  ctl("set_permissions -p " + own_vhost() + " " + name_ + " '" + configure + "' '" + write + "' '" +
      read + "'");
}

Stranger::Stranger(const std::string& url) : connection_(amqp_new_connection()) {
  amqp_socket_t* socket = amqp_tcp_socket_new(connection_.get());
  const std::string user = user_of(url), name = user.substr(0, user.find(':')),
                    password = user.substr(user.find(':') + 1),
                    vhost = url.substr(url.rfind('/') + 1);
  if (amqp_socket_open(socket, "127.0.0.1", port_of(url)) != AMQP_STATUS_OK)
    throw std::runtime_error("cannot connect to " + url);
  const auto reply = amqp_login(connection_.get(), vhost == "%2f" ? "/" : vhost.c_str(), 0, 131072,
                                0, AMQP_SASL_METHOD_PLAIN, name.c_str(), password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("cannot log in to " + url);
  open();
}

void Stranger::open() {
  amqp_channel_open(connection_.get(), 1);
  if (refused()) throw std::runtime_error("cannot open a channel");
}

// A refusal ends the channel.
bool Stranger::refused() {
  const auto reply = amqp_get_rpc_reply(connection_.get());
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return false;
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
    throw std::runtime_error(amqp_error_string2(reply.library_error));
  amqp_channel_close_ok_t ok{};
  amqp_send_method(connection_.get(), 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  open();
  return true;
}

void Stranger::declare(const std::string& queue, std::string_view type, std::int64_t limit) {
  std::array entries = {rabbitmq::entry("x-queue-type", type),
                        rabbitmq::entry("x-delivery-limit", limit)};
  amqp_queue_declare(connection_.get(), 1, amqp_bytes(queue), 0, 1, 0, 0,
                     {limit == 0 ? 1 : 2, entries.data()});
  if (refused()) throw std::runtime_error("cannot declare " + queue);
}

void Stranger::declare_exchange(const std::string& exchange, std::string_view type) {
  amqp_exchange_declare(connection_.get(), 1, amqp_bytes(exchange), amqp_bytes(type), 0, 1, 0, 0,
                        amqp_empty_table);
  if (refused()) throw std::runtime_error("cannot declare " + exchange);
}

void Stranger::remove_queue(const std::string& queue) {
  amqp_queue_delete(connection_.get(), 1, amqp_bytes(queue), 0, 0);
  if (refused()) throw std::runtime_error("cannot delete " + queue);
}

void Stranger::remove_exchange(const std::string& exchange) {
  amqp_exchange_delete(connection_.get(), 1, amqp_bytes(exchange), 0);
  if (refused()) throw std::runtime_error("cannot delete " + exchange);
}

void Stranger::publish(const std::string& queue, const std::string& body) {
  amqp_basic_publish(connection_.get(), 1, amqp_bytes(""), amqp_bytes(queue), 0, 0, nullptr,
                     amqp_bytes(body));
}

std::optional<std::uint32_t> Stranger::count(const std::string& queue) {
  const auto* ok =
      amqp_queue_declare(connection_.get(), 1, amqp_bytes(queue), 1, 0, 0, 0, amqp_empty_table);
  if (refused()) return std::nullopt;
  return ok->message_count;
}

void RabbitTest::SetUp() {
  GANDER_REQUIRE_SERVER(server, "rabbitmq");
  if (server_variable("rabbitmq", "CTL").empty())
    GTEST_SKIP() << "GANDER_TEST_RABBITMQ_CTL, the rabbitmqctl of that server, is not set";
  static int serial = 0;
  prefix = "t" + std::to_string(++serial);
  url = server.substr(0, server.rfind('/') + 1) + own_vhost();
  stranger = std::make_unique<Stranger>(url);
}

Broker RabbitTest::broker(std::map<std::string, std::string> options) {
  // To wait for the server's disk is for tests that kill it.
  options.insert({{"url", url}, {"prefix", prefix}, {"new_queue_wait_ms", "0"}});
  return {host, options};
}

std::string RabbitTest::url_as(const std::string& user) const {
  return "amqp://" + user + url.substr(url.find('@'));
}

Message later(Message m, const FakeHost& host, std::chrono::microseconds delay) {
  m.m.run_at_us = host.now_us + delay.count();
  return m;
}

}  // namespace gander::test
