#include "topology.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <vector>

namespace gander::rabbitmq {
namespace {

// Far beyond what a message meets. 3.10 takes -1 and then drops a message at its first return;
// since 4.0 the default is 20. A large number is right everywhere.
constexpr std::int64_t kDeliveryLimit = 1'000'000;

amqp_table_t table(std::vector<amqp_table_entry_t>& entries) {
  return {static_cast<int>(entries.size()), entries.data()};
}

std::vector<amqp_table_entry_t> quorum(std::initializer_list<amqp_table_entry_t> more = {}) {
  std::vector<amqp_table_entry_t> entries = {entry("x-queue-type", "quorum"),
                                             entry("x-delivery-limit", kDeliveryLimit)};
  entries.insert(entries.end(), more);
  return entries;
}

void exchange(Client& client, const std::string& name, std::string_view type,
              const std::string& alternate = {}) {
  std::vector<amqp_table_entry_t> entries;
  if (!alternate.empty()) entries.push_back(entry("alternate-exchange", alternate));
  amqp_exchange_declare_t m{};
  m.exchange = amqp_bytes(name);
  m.type = amqp_bytes(type);
  m.durable = 1;
  m.nowait = 1;
  m.arguments = table(entries);
  client.send(kControl, AMQP_EXCHANGE_DECLARE_METHOD, m);
}

void queue(Client& client, const std::string& name, std::vector<amqp_table_entry_t> arguments) {
  amqp_queue_declare_t m{};
  m.queue = amqp_bytes(name);
  m.durable = 1;
  m.nowait = 1;
  m.arguments = table(arguments);
  client.send(kControl, AMQP_QUEUE_DECLARE_METHOD, m);
}

void bind_queue(Client& client, const std::string& name, const std::string& to,
                const std::string& key) {
  amqp_queue_bind_t m{};
  m.queue = amqp_bytes(name);
  m.exchange = amqp_bytes(to);
  m.routing_key = amqp_bytes(key);
  m.nowait = 1;
  client.send(kControl, AMQP_QUEUE_BIND_METHOD, m);
}

void bind_exchange(Client& client, const std::string& name, const std::string& to,
                   const std::string& key) {
  amqp_exchange_bind_t m{};
  m.destination = amqp_bytes(name);
  m.source = amqp_bytes(to);
  m.routing_key = amqp_bytes(key);
  m.nowait = 1;
  client.send(kControl, AMQP_EXCHANGE_BIND_METHOD, m);
}

// "*.*.1.#": the words before the bit of level k are any.
std::string bit_pattern(int k, char bit) {
  std::string key;
  for (int i = kDelayLevels - 1; i > k; --i) key += "*.";
  return key + bit + ".#";
}

}  // namespace

std::string Part::key() const {
  switch (kind) {
    case Kind::base: return "+base";
    case Kind::cascade: return "+cascade";
    case Kind::queue: break;
  }
  return address_of(queue);
}

std::vector<std::string> Topology::queues_of(const Part& part) const {
  std::vector<std::string> queues;
  switch (part.kind) {
    case Part::Kind::base: queues = {names_.unrouted(), names_.registry()}; break;
    case Part::Kind::cascade:
      for (int k = 0; k < kDelayLevels; ++k) queues.push_back(names_.level(k));
      break;
    case Part::Kind::queue:
      queues = {names_.dead(part.key())};
      std::ranges::copy(names_.ready(part.key()), std::back_inserter(queues));
      break;
  }
  return queues;
}

void Topology::declare(Client& client, const Part& part, TimePoint until) const {
  switch (part.kind) {
    case Part::Kind::base: return declare_base(client, until);
    case Part::Kind::cascade: return declare_cascade(client, until);
    case Part::Kind::queue: return declare_queue(client, part.key(), until);
  }
}

// The alternate exchange is what keeps one message whose queue was deleted from holding up all that
// wait behind it: at-least-once dead lettering tries until somebody takes it.
void Topology::declare_base(Client& client, TimePoint until) const {
  exchange(client, names_.unrouted(), "fanout");
  queue(client, names_.unrouted(), quorum());
  bind_queue(client, names_.unrouted(), names_.unrouted(), "");
  exchange(client, names_.deliver(), "topic", names_.unrouted());
  exchange(client, names_.dead_exchange(), "direct", names_.unrouted());
  exchange(client, names_.control(), "direct");
  auto arguments = quorum();
  client.declare_queue(names_.registry(), table(arguments), until);
}

void Topology::declare_queue(Client& client, const std::string& address, TimePoint until) const {
  const std::string dead = names_.dead(address), dead_exchange = names_.dead_exchange();
  auto plain = quorum();
  client.declare_queue(dead, table(plain), until);
  bind_queue(client, dead, dead_exchange, address);
  for (const std::string& name : names_.ready(address)) {
    auto arguments = quorum({entry("x-dead-letter-exchange", dead_exchange),
                             entry("x-dead-letter-routing-key", address),
                             entry("x-dead-letter-strategy", "at-least-once"),
                             entry("x-overflow", "reject-publish")});
    client.declare_queue(name, table(arguments), until);
  }
  for (std::uint32_t p = 0; p < kPriorities; ++p)
    bind_queue(client, names_.work(address, p), names_.deliver(),
               "#." + address + "." + std::to_string(p));
  // Whatever of it was refused, this answer tells.
  client.count(dead, until);
}

// From the last level to the first, so that each finds the next.
void Topology::declare_cascade(Client& client, TimePoint until) const {
  for (int k = 0; k < kDelayLevels; ++k) {
    const std::string here = names_.level(k);
    const std::string next = k == 0 ? names_.deliver() : names_.level(k - 1);
    exchange(client, here, "topic");
    queue(client, here,
          quorum({entry("x-message-ttl", std::int64_t{1000} << k),
                  entry("x-dead-letter-exchange", next),
                  entry("x-dead-letter-strategy", "at-least-once"),
                  entry("x-overflow", "reject-publish")}));
    bind_queue(client, here, here, bit_pattern(k, '1'));
    bind_exchange(client, next, here, bit_pattern(k, '0'));
  }
  client.count(names_.level(0), until);
}

void Topology::declare_control(Client& client, const std::string& own, TimePoint until) const {
  if (!client.declare_own_queue(own, until))
    throw sdk::Error(GANDER_UNAVAILABLE, client.where() + ": another connection has '" + own + "'",
                     GANDER_ERROR_RETRYABLE);
  exchange(client, names_.control(), "direct");
  client.count(own, until);
}

}  // namespace gander::rabbitmq
