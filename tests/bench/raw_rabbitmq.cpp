// The least honest program over rabbitmq-c that stores and removes a 200-byte message with the
// durability that gander's RabbitMQ broker promises: persistent, in a quorum queue, and confirmed.
// No id, no header, no mandatory flag, no heartbeat, no schedule, no priority.
//
//   raw_rabbitmq --url amqp://user:password@host:port/vhost --jobs N --batch 500 --threads 16
//   --json
//
// prints one line per operation: enqueue (at most 2000 unconfirmed, whatever the batch), drain
// (pushed, at most 2000 unacknowledged, one ack for each 100), enqueue16 (single messages by so
// many threads; whoever finds the connection free publishes for all that wait, and awaits the
// confirms).
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "raw.h"

namespace {

constexpr std::size_t kBodyBytes = 200;
constexpr std::uint64_t kWindow = 2000;
constexpr std::uint64_t kAckEvery = 100;
constexpr const char* kQueue = "raw_rabbitmq";

[[noreturn]] void fail(const char* doing, const char* why) {
  std::fprintf(stderr, "raw_rabbitmq: %s: %s\n", doing, why);
  std::exit(1);
}
void must(int status, const char* doing) {
  if (status != AMQP_STATUS_OK) fail(doing, amqp_error_string2(status));
}

class Connection {
 public:
  explicit Connection(const std::string& url) : raw_(amqp_new_connection()) {
    std::string text = url;  // parsed in place
    amqp_connection_info at{};
    must(amqp_parse_url(text.data(), &at), "url");
    const std::string vhost = std::string(at.vhost) == "%2f" ? "/" : at.vhost;
    must(amqp_socket_open(amqp_tcp_socket_new(raw_.get()), at.host, at.port), "connect");
    check(amqp_login(raw_.get(), vhost.c_str(), 1, 131072, 0, AMQP_SASL_METHOD_PLAIN, at.user,
                     at.password),
          "login");
    amqp_channel_open(raw_.get(), 1);
    check(amqp_get_rpc_reply(raw_.get()), "channel");
  }
  [[nodiscard]] amqp_connection_state_t raw() const { return raw_.get(); }

  void check(const amqp_rpc_reply_t& reply, const char* doing) const {
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
      fail(doing, amqp_error_string2(reply.library_error));
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail(doing, "refused by the server");
  }
  void check_last(const char* doing) const { check(amqp_get_rpc_reply(raw_.get()), doing); }

  void make_queue() const {
    amqp_queue_delete(raw_.get(), 1, amqp_cstring_bytes(kQueue), 0, 0);
    check_last("delete");
    amqp_table_entry_t type{};
    type.key = amqp_cstring_bytes("x-queue-type");
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes("quorum");
    amqp_queue_declare(raw_.get(), 1, amqp_cstring_bytes(kQueue), 0, 1, 0, 0, {1, &type});
    check_last("declare");
  }

  // The next frame, waiting for it when `wait`; false: there is none yet.
  bool next(amqp_frame_t& frame, bool wait) const {
    timeval now{};
    const int status = amqp_simple_wait_frame_noblock(raw_.get(), &frame, wait ? nullptr : &now);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    must(status, "read");
    return true;
  }
  void release() const { amqp_maybe_release_buffers(raw_.get()); }

 private:
  struct Free {
    void operator()(amqp_connection_state_t c) const { amqp_destroy_connection(c); }
  };
  std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, Free> raw_;
};

class Producer {
 public:
  explicit Producer(const std::string& url) : on_(url) {
    amqp_confirm_select(on_.raw(), 1);
    on_.check_last("confirm");
    properties_._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties_.delivery_mode = 2;
  }
  void send() {
    while (sent_ - confirmed_ >= kWindow) hear(true);
    must(amqp_basic_publish(on_.raw(), 1, amqp_empty_bytes, amqp_cstring_bytes(kQueue), 0, 0,
                            &properties_, {body_.size(), body_.data()}),
         "publish");
    // A confirm may be of several, and they come in any order.
    if (++sent_ % 64 == 0)
      while (hear(false)) {
      }
  }
  void await_all() {
    while (confirmed_ < sent_) hear(true);
  }

 private:
  bool hear(bool wait) {
    amqp_frame_t frame;
    if (!on_.next(frame, wait)) return false;
    if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
      const std::uint64_t tag = ack->delivery_tag;
      open_.resize(std::max<std::size_t>(open_.size(), tag - first_ + 1), true);
      const auto confirm = [&](std::uint64_t t) {
        if (t >= first_ && open_[t - first_]) open_[t - first_] = false, ++confirmed_;
      };
      for (std::uint64_t t = ack->multiple != 0 ? first_ : tag; t <= tag; ++t) confirm(t);
      for (; !open_.empty() && !open_.front(); ++first_) open_.pop_front();
    } else {
      fail("publish", "not confirmed");
    }
    on_.release();
    return true;
  }

  Connection on_;
  std::string body_ = std::string(kBodyBytes, 'x');
  amqp_basic_properties_t properties_{};
  std::uint64_t sent_ = 0, confirmed_ = 0, first_ = 1;
  std::deque<bool> open_;
};

// Returns when so many have come and are acknowledged.
void drain(const std::string& url, std::uint64_t jobs) {
  const Connection on(url);
  amqp_basic_qos(on.raw(), 1, 0, kWindow, 0);
  on.check_last("qos");
  amqp_basic_consume(on.raw(), 1, amqp_cstring_bytes(kQueue), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  on.check_last("consume");
  std::string copy;
  std::uint64_t tag = 0, came = 0;
  while (came < jobs) {
    amqp_frame_t frame;
    on.next(frame, true);
    if (frame.frame_type == AMQP_FRAME_METHOD)
      tag = static_cast<const amqp_basic_deliver_t*>(frame.payload.method.decoded)->delivery_tag;
    if (frame.frame_type != AMQP_FRAME_BODY) continue;
    copy.assign(static_cast<const char*>(frame.payload.body_fragment.bytes),
                frame.payload.body_fragment.len);
    on.release();
    if (++came % kAckEvery == 0 || came == jobs) must(amqp_basic_ack(on.raw(), 1, tag, 1), "ack");
  }
  // Answered when the acks before it are done.
  amqp_basic_qos(on.raw(), 1, 0, kWindow, 0);
  on.check_last("qos");
}

}  // namespace

int main(int argc, char** argv) {
  const raw::Options o = raw::parse(argc, argv, "rabbitmq");
  Connection(o.place).make_queue();
  Producer producer(o.place);
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < o.jobs; ++i) producer.send();
  producer.await_all();
  o.print("enqueue", o.jobs / raw::seconds_since(start));
  start = std::chrono::steady_clock::now();
  drain(o.place, static_cast<std::uint64_t>(o.jobs));
  o.print("drain", o.jobs / raw::seconds_since(start));
  raw::Group group([&producer](int n) {
    for (int i = 0; i < n; ++i) producer.send();
    producer.await_all();
  });
  o.print("enqueue16", raw::rate_of_threads(o.threads, std::max(1, o.jobs / 5 / o.threads),
                                            [&group](int) { group.store_one(); }));
  return 0;
}
