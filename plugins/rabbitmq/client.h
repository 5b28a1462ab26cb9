// One connection of the client library, logged in, with the channels kMain and kControl open. Not
// safe between threads, and waits no longer than it is told. Throws UNAVAILABLE, RETRYABLE and
// RECONNECT when the connection is lost; it is of no use from then on.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "content.h"
#include "settings.h"

namespace gander::rabbitmq {

using TimePoint = std::chrono::steady_clock::time_point;

class Client {
 public:
  // `what` names it in the server's list of connections. Throws UNAVAILABLE, UNAUTHENTICATED,
  // FORBIDDEN, CONFIG, TIMEOUT.
  Client(const Settings& settings, const std::string& what, TimePoint until);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The next thing the server says, or false when it said nothing until then.
  bool next(Event& event, TimePoint until);

  // Mandatory: what no queue takes comes back. Sent by flush() at the latest.
  void publish(std::string_view exchange, std::string_view key, std::string_view payload);
  // False: not all of it, as the server says something first, or takes nothing until then; the rest
  // is for the next call.
  bool flush(TimePoint until);
  [[nodiscard]] bool has_much_to_flush() const;
  void ack(std::uint64_t tag, bool multiple);
  void nack_all();  // requeues whatever kMain holds

  void confirm_select(TimePoint until);
  enum class Acks { needed, none };
  void consume(const std::string& queue, const std::string& tag, std::uint16_t prefetch, Acks acks,
               TimePoint until);
  void cancel(const std::string& tag, TimePoint until);
  // When it returns, all that the server had pushed before is there for next().
  void sync(TimePoint until);
  struct Size {
    std::uint32_t messages;  // that wait
    std::uint32_t consumers;
  };
  // Of a queue; nothing when there is no such queue.
  std::optional<Size> size(const std::string& queue, TimePoint until);
  std::optional<std::uint32_t> count(const std::string& queue, TimePoint until);
  std::uint32_t purge(const std::string& queue, TimePoint until);

  // Without an answer each; what went wrong shows in the next call on kControl that has one.
  template <class Method>
  void send(amqp_channel_t channel, amqp_method_number_t id, Method method) {
    send_raw(channel, id, &method);
  }
  // Declares and waits for the answer, and so for all that was sent before.
  void declare_queue(const std::string& queue, const amqp_table_t& arguments, TimePoint until);
  // One that goes when this connection ends. False: another connection has it.
  bool declare_own_queue(const std::string& queue, TimePoint until);
  void delete_queue(const std::string& queue, TimePoint until);
  [[nodiscard]] bool has_exchange(const std::string& exchange, TimePoint until);
  // False: it is there, and is of another type.
  bool declare_exchange(const std::string& exchange, const std::string& type, TimePoint until);
  void bind(const std::string& queue, const std::string& exchange, const std::string& key,
            TimePoint until);
  void unbind(const std::string& queue, const std::string& exchange, const std::string& key,
              TimePoint until);
  void delete_exchange(const std::string& exchange, TimePoint until);  // if there is one

  // Ends it in order, as far as the time goes.
  void close(TimePoint until) noexcept;
  [[nodiscard]] int fd() const;
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& server() const { return server_; }
  [[nodiscard]] bool lost() const { return lost_; }
  [[nodiscard]] const std::optional<sdk::Error>& why_lost() const { return why_lost_; }

  // Whether something was read and not looked at yet: poll() of fd() would not tell.
  [[nodiscard]] bool has_unread() const;
  [[noreturn]] void lose(const sdk::Error& why);

 private:
  struct Free {
    void operator()(amqp_connection_state_t raw) const { amqp_destroy_connection(raw); }
  };
  void connect(const sdk::Endpoint& at, TimePoint until);
  void open_socket(const sdk::Endpoint& at, TimePoint until);
  void log_in(TimePoint until);
  void limit_calls(TimePoint until);
  void reopen(amqp_channel_t channel, TimePoint until);
  void send_raw(amqp_channel_t channel, amqp_method_number_t id, void* method);
  void check(const amqp_rpc_reply_t& reply, amqp_channel_t channel, const std::string& doing);
  void check(int status, const std::string& doing);
  bool refused_with(int code, const std::string& doing);

  using Handle = std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, Free>;
  const Settings& settings_;
  const std::string what_;
  std::string where_, server_;
  Handle handle_;
  Assembler assembler_;
  std::string unsent_;
  unsigned events_ = 0;
  bool lost_ = false;
  std::optional<sdk::Error> why_lost_;
};

}  // namespace gander::rabbitmq
