#include "client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "error.h"
#include "frames.h"
#include "rows.h"

namespace gander::rabbitmq {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kChannelMax = 16;
constexpr int kFrameMax = 131072;
constexpr std::size_t kFlushBytes = 65536;
// Memory of frames is given back after so many events: each time costs a walk of what is queued.
constexpr unsigned kReleaseEvery = 32;

timeval time_left(TimePoint until) {
  const auto left = std::chrono::duration_cast<microseconds>(until - steady_clock::now()).count();
  const auto us = std::max<std::int64_t>(left, 0);
  return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

// For poll(): up to an hour, rounded up.
int ms_left(TimePoint until) {
  const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

std::string text_in(const amqp_table_t& table, std::string_view key) {
  for (int i = 0; i < table.num_entries; ++i)
    if (view(table.entries[i].key) == key && table.entries[i].value.kind == AMQP_FIELD_KIND_UTF8)
      return std::string(view(table.entries[i].value.value.bytes));
  return {};
}

}  // namespace

Client::Client(const Settings& settings, const std::string& what, TimePoint until)
    : settings_(settings), what_(what), where_(settings.where()) {
  const auto& all = settings.url.at;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto now = steady_clock::now();
    // Each host has its share of the time, or one that does not answer would leave none for others.
    const TimePoint share = now + (until - now) / static_cast<std::int64_t>(all.size() - i);
    try {
      connect(all[i], share);
      return;
    } catch (const sdk::Error& e) {
      const bool elsewhere = e.code() == GANDER_UNAVAILABLE || e.code() == GANDER_TIMEOUT;
      if (!elsewhere || i + 1 == all.size()) throw;
    }
  }
}

Client::~Client() = default;

void Client::connect(const sdk::Endpoint& at, TimePoint until) {
  lost_ = false;
  handle_.reset(amqp_new_connection());
  if (!handle_) throw std::bad_alloc();
  open_socket(at, until);
  log_in(until);
  for (const amqp_channel_t channel : {kMain, kControl}) {
    limit_calls(until);
    amqp_channel_open(handle_.get(), channel);
    check(amqp_get_rpc_reply(handle_.get()), 0, "opening a channel");
  }
  const amqp_table_t* properties = amqp_get_server_properties(handle_.get());
  server_ = text_in(*properties, "product") + " " + text_in(*properties, "version");
}

void Client::open_socket(const sdk::Endpoint& at, TimePoint until) {
  const bool tls = settings_.url.tls;
  // Freed with the handle.
  amqp_socket_t* socket =
      tls ? amqp_ssl_socket_new(handle_.get()) : amqp_tcp_socket_new(handle_.get());
  if (socket == nullptr) throw std::bad_alloc();
  if (tls) {
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    if (amqp_ssl_socket_set_cacert(socket, settings_.tls_ca_file.c_str()) != AMQP_STATUS_OK)
      throw sdk::Error(GANDER_CONFIG, "option 'tls_ca_file' is '" + settings_.tls_ca_file +
                                          "', which is no readable file of certificates");
    if (!settings_.tls_cert_file.empty() &&
        amqp_ssl_socket_set_key(socket, settings_.tls_cert_file.c_str(),
                                settings_.tls_key_file.c_str()) != AMQP_STATUS_OK)
      throw sdk::Error(GANDER_CONFIG,
                       "options 'tls_cert_file' and 'tls_key_file' are no certificate and its key");
  }
  const timeval limit = time_left(until);
  const int status = amqp_socket_open_noblock(socket, at.host.c_str(), at.port, &limit);
  if (status != AMQP_STATUS_OK) throw library_error(status, where_, "connecting");
}

void Client::log_in(TimePoint until) {
  std::array capabilities = {flag("publisher_confirms"),
                             flag("exchange_exchange_bindings"),
                             flag("basic.nack"),
                             flag("connection.blocked"),
                             flag("consumer_cancel_notify"),
                             flag("authentication_failure_close")};
  amqp_table_entry_t able{};
  able.key = amqp_bytes("capabilities");
  able.value.kind = AMQP_FIELD_KIND_TABLE;
  able.value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
  std::array entries = {entry("product", "gander"), entry("connection_name", what_), able};
  const amqp_table_t properties = {static_cast<int>(entries.size()), entries.data()};
  const timeval limit = time_left(until);
  amqp_set_handshake_timeout(handle_.get(), &limit);
  limit_calls(until);
  const std::string password = settings_.read_password();
  const amqp_rpc_reply_t reply = amqp_login_with_properties(
      handle_.get(), settings_.url.vhost.c_str(), kChannelMax, kFrameMax, settings_.heartbeat_s,
      &properties, AMQP_SASL_METHOD_PLAIN, settings_.url.username.c_str(), password.c_str());
  std::string doing = "logging in as '" + settings_.url.username + "'";
  // A server that wants a certificate only closes the line (TLS 1.3).
  if (settings_.url.tls && settings_.tls_cert_file.empty() &&
      reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
    doing += ", with no certificate of ours (tls_cert_file)";
  check(reply, 0, doing);
}

bool Client::next(Event& event, TimePoint until) {
  if (lost_) throw sdk::Error(why_lost_.value_or(lost_connection(where_, "it was closed")));
  // The frames of what is not yet whole must stay; and of queued ones the library looks at each.
  if (++events_ % kReleaseEvery == 0 && assembler_.idle() &&
      amqp_frames_enqueued(handle_.get()) == 0)
    amqp_maybe_release_buffers(handle_.get());
  for (;;) {
    amqp_frame_t frame;
    timeval limit = time_left(until);
    const int status = amqp_simple_wait_frame_noblock(handle_.get(), &frame, &limit);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    check(status, "waiting");
    if (!assembler_.add(frame, event)) continue;
    if (event.kind == Event::Kind::connection_closed)
      lose(closed_by_server(event.code, event.text, true, where_, "the server closed it"));
    return true;
  }
}

void Client::publish(std::string_view exchange, std::string_view key, std::string_view payload) {
  if (settings_.url.tls) {  // what is written to the socket is for the library alone to say
    check(amqp_basic_publish(handle_.get(), kMain, amqp_bytes(exchange), amqp_bytes(key), 1, 0,
                             &persistent(), amqp_bytes(payload)),
          "publishing");
    return;
  }
  const int frame_max = amqp_get_frame_max(handle_.get());
  append_publish(unsent_, kMain, exchange, key, payload, static_cast<std::size_t>(frame_max));
}

bool Client::has_much_to_flush() const { return unsent_.size() >= kFlushBytes; }

bool Client::flush(TimePoint until) {
  std::string_view rest = unsent_;
  while (!rest.empty()) {
    const ssize_t sent = ::send(fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      lose(lost_connection(where_, std::string("publishing: ") + std::strerror(errno)));
    pollfd line{fd(), POLLIN | POLLOUT, 0};
    poll(&line, 1, ms_left(until));
    if ((line.revents & ~POLLIN) != 0) continue;
    unsent_.erase(0, unsent_.size() - rest.size());
    return false;
  }
  unsent_.clear();
  return true;
}

void Client::ack(std::uint64_t tag, bool multiple) {
  check(amqp_basic_ack(handle_.get(), kMain, tag, multiple ? 1 : 0), "acknowledging");
}

void Client::nack_all() { check(amqp_basic_nack(handle_.get(), kMain, 0, 1, 1), "giving back"); }

void Client::confirm_select(TimePoint until) {
  limit_calls(until);
  amqp_confirm_select(handle_.get(), kMain);
  check(amqp_get_rpc_reply(handle_.get()), kMain, "asking for confirms");
}

void Client::consume(const std::string& queue, const std::string& tag, std::uint16_t prefetch,
                     Acks acks, TimePoint until) {
  limit_calls(until);
  amqp_basic_qos(handle_.get(), kMain, 0, prefetch, 0);
  check(amqp_get_rpc_reply(handle_.get()), kMain, "setting the prefetch");
  limit_calls(until);
  amqp_basic_consume(handle_.get(), kMain, amqp_bytes(queue), amqp_bytes(tag), 0,
                     acks == Acks::none ? 1 : 0, 0, amqp_empty_table);
  check(amqp_get_rpc_reply(handle_.get()), kMain, "consuming from '" + queue + "'");
}

void Client::cancel(const std::string& tag, TimePoint until) {
  limit_calls(until);
  amqp_basic_cancel(handle_.get(), kMain, amqp_bytes(tag));
  check(amqp_get_rpc_reply(handle_.get()), kMain, "cancelling a consumer");
}

// A prefetch counts for consumers that are made later, and each is made with its own.
void Client::sync(TimePoint until) {
  limit_calls(until);
  amqp_basic_qos(handle_.get(), kMain, 0, 1, 0);
  check(amqp_get_rpc_reply(handle_.get()), kMain, "asking for what is under way");
}

std::optional<std::uint32_t> Client::count(const std::string& queue, TimePoint until) {
  const std::optional<Size> found = size(queue, until);
  return found ? std::optional(found->messages) : std::nullopt;
}

std::optional<Client::Size> Client::size(const std::string& queue, TimePoint until) {
  limit_calls(until);
  const auto* ok =
      amqp_queue_declare(handle_.get(), kControl, amqp_bytes(queue), 1, 0, 0, 0, amqp_empty_table);
  if (refused_with(AMQP_NOT_FOUND, "looking at '" + queue + "'")) return std::nullopt;
  return Size{ok->message_count, ok->consumer_count};
}

std::uint32_t Client::purge(const std::string& queue, TimePoint until) {
  limit_calls(until);
  const auto* ok = amqp_queue_purge(handle_.get(), kControl, amqp_bytes(queue));
  check(amqp_get_rpc_reply(handle_.get()), kControl, "purging '" + queue + "'");
  return ok->message_count;
}

void Client::declare_queue(const std::string& queue, const amqp_table_t& arguments,
                           TimePoint until) {
  limit_calls(until);
  amqp_queue_declare(handle_.get(), kControl, amqp_bytes(queue), 0, 1, 0, 0, arguments);
  check(amqp_get_rpc_reply(handle_.get()), kControl, "declaring '" + queue + "'");
}

bool Client::declare_own_queue(const std::string& queue, TimePoint until) {
  // The default type of a vhost may be one that cannot be exclusive.
  amqp_table_entry_t classic = entry("x-queue-type", "classic");
  limit_calls(until);
  amqp_queue_declare(handle_.get(), kControl, amqp_bytes(queue), 0, 0, 1, 1, {1, &classic});
  return !refused_with(AMQP_RESOURCE_LOCKED, "declaring '" + queue + "'");
}

void Client::delete_queue(const std::string& queue, TimePoint until) {
  limit_calls(until);
  amqp_queue_delete(handle_.get(), kControl, amqp_bytes(queue), 0, 0);
  check(amqp_get_rpc_reply(handle_.get()), kControl, "deleting '" + queue + "'");
}

bool Client::has_exchange(const std::string& exchange, TimePoint until) {
  limit_calls(until);
  amqp_exchange_declare(handle_.get(), kControl, amqp_bytes(exchange), amqp_bytes(""), 1, 1, 0, 0,
                        amqp_empty_table);
  return !refused_with(AMQP_NOT_FOUND, "looking at '" + exchange + "'");
}

bool Client::declare_exchange(const std::string& exchange, const std::string& type,
                              TimePoint until) {
  limit_calls(until);
  amqp_exchange_declare(handle_.get(), kControl, amqp_bytes(exchange), amqp_bytes(type), 0, 1, 0, 0,
                        amqp_empty_table);
  return !refused_with(AMQP_PRECONDITION_FAILED, "declaring '" + exchange + "'");
}

void Client::bind(const std::string& queue, const std::string& exchange, const std::string& key,
                  TimePoint until) {
  limit_calls(until);
  amqp_queue_bind(handle_.get(), kControl, amqp_bytes(queue), amqp_bytes(exchange), amqp_bytes(key),
                  amqp_empty_table);
  check(amqp_get_rpc_reply(handle_.get()), kControl, "binding '" + queue + "'");
}

void Client::unbind(const std::string& queue, const std::string& exchange, const std::string& key,
                    TimePoint until) {
  limit_calls(until);
  amqp_queue_unbind(handle_.get(), kControl, amqp_bytes(queue), amqp_bytes(exchange),
                    amqp_bytes(key), amqp_empty_table);
  check(amqp_get_rpc_reply(handle_.get()), kControl, "unbinding '" + queue + "'");
}

void Client::delete_exchange(const std::string& exchange, TimePoint until) {
  limit_calls(until);
  amqp_exchange_delete(handle_.get(), kControl, amqp_bytes(exchange), 0);
  check(amqp_get_rpc_reply(handle_.get()), kControl, "deleting '" + exchange + "'");
}

// By the last call on kControl; other failures are thrown.
bool Client::refused_with(int code, const std::string& doing) {
  try {
    check(amqp_get_rpc_reply(handle_.get()), kControl, doing);
    return false;
  } catch (const sdk::Error& e) {
    if (e.native_code() != code || lost_) throw;
    return true;
  }
}

void Client::reopen(amqp_channel_t channel, TimePoint until) {
  limit_calls(until);
  amqp_channel_open(handle_.get(), channel);
  check(amqp_get_rpc_reply(handle_.get()), 0, "opening a channel again");
}

void Client::close(TimePoint until) noexcept {
  if (lost_) return;
  limit_calls(until);
  amqp_connection_close(handle_.get(), AMQP_REPLY_SUCCESS);
  lost_ = true;
}

bool Client::has_unread() const {
  return amqp_frames_enqueued(handle_.get()) != 0 || amqp_data_in_buffer(handle_.get()) != 0;
}

int Client::fd() const { return amqp_get_sockfd(handle_.get()); }

void Client::limit_calls(TimePoint until) {
  const timeval limit = time_left(until);
  amqp_set_rpc_timeout(handle_.get(), &limit);
}

void Client::send_raw(amqp_channel_t channel, amqp_method_number_t id, void* method) {
  check(amqp_send_method(handle_.get(), channel, id, method), "sending");
}

void Client::lose(const sdk::Error& why) {
  lost_ = true;
  why_lost_ = why;
  throw sdk::Error(why);
}

void Client::check(int status, const std::string& doing) {
  if (status == AMQP_STATUS_OK) return;
  lose(library_error(status, where_, doing));
}

// A refusal ends its channel, which is opened again; whatever else went wrong ends the connection,
// as an answer may still be under way.
void Client::check(const amqp_rpc_reply_t& reply, amqp_channel_t channel,
                   const std::string& doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    lose(library_error(reply.library_error, where_, doing));
  if (reply.reply_type == AMQP_RESPONSE_NONE) lose(lost_connection(where_, doing + ": no reply"));
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* m = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
    sdk::Error error = closed_by_server(m->reply_code, view(m->reply_text), channel == kMain,
                                        where_, doing, refused_method(*m));
    amqp_channel_close_ok_t ok{};
    send_raw(channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    if (channel != kControl) lose(error);
    reopen(channel, steady_clock::now() + settings_.call_timeout);
    throw sdk::Error(std::move(error));
  }
  const auto* m = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
  lose(closed_by_server(m->reply_code, view(m->reply_text), true, where_, doing));
}

}  // namespace gander::rabbitmq
