// In <prefix>.state, beside the names of paused queues:
//
//   request key   := %x01 id
//   request value := version owned until member count removal*
//   removal       := topic partition from length has-successor [successor]
//   successor     := topic partition+1 key has-value [value]
//   answer key    := %x02 id
//   answer value  := version count removed*
//   removed       := held full ranges (from length)*
//
//   version, owned, has-..., held, full := byte
//   until, count, partition, from, length, ranges := number  ; varint.h
//   member, topic, key, value := text                        ; varint.h
#include "removal.h"

#include <cstring>

#include "varint.h"

namespace gander::kafka {
namespace {

constexpr char kRequest = '\1', kAnswer = '\2';
constexpr char kVersion = 1;
// More than are ever written at once; what claims more was not written by us.
constexpr std::uint64_t kMost = 1'000'000;

void put_flag(std::string& out, bool flag) { out += flag ? '\1' : '\0'; }

void put_number(std::string& out, std::int64_t n) {
  kafka::put_number(out, static_cast<std::uint64_t>(n));
}

std::int64_t read_number(Reader& in) { return static_cast<std::int64_t>(in.number()); }

void put_successor(std::string& out, const Outgoing& one) {
  put_text(out, one.topic);
  put_number(out, std::int64_t{one.partition} + 1);
  put_text(out, one.key);
  put_flag(out, one.value.has_value());
  if (one.value) put_text(out, *one.value);
}

Outgoing read_successor(Reader& in) {
  Outgoing one;
  one.topic = in.text();
  one.partition = static_cast<std::int32_t>(read_number(in) - 1);
  one.key = in.text();
  if (in.take() != 0) one.value = in.text();
  return one;
}

std::optional<std::string_view> id_in(std::string_view key, char kind) {
  if (key.empty() || key.front() != kind) return std::nullopt;
  return key.substr(1);
}

}  // namespace

std::optional<gander_id> id_of(const Removal& removal) {
  gander_id id{};
  if (!removal.successor || removal.successor->key.size() != sizeof id.bytes) return std::nullopt;
  std::memcpy(id.bytes, removal.successor->key.data(), sizeof id.bytes);
  return id;
}

std::string request_key(std::string_view id) { return kRequest + std::string(id); }
std::string answer_key(std::string_view id) { return kAnswer + std::string(id); }
std::optional<std::string_view> request_of(std::string_view key) { return id_in(key, kRequest); }
std::optional<std::string_view> answered_by(std::string_view key) { return id_in(key, kAnswer); }

std::string write_request(const Request& request) {
  std::string out(1, kVersion);
  put_flag(out, request.owned);
  put_number(out, request.until_us);
  put_text(out, request.member);
  put_number(out, static_cast<std::int64_t>(request.removals.size()));
  for (const Removal& one : request.removals) {
    put_text(out, one.topic);
    put_number(out, std::int64_t{one.partition});
    put_number(out, one.from);
    put_number(out, one.to - one.from);
    put_flag(out, one.successor.has_value());
    if (one.successor) put_successor(out, *one.successor);
  }
  return out;
}

std::optional<Request> read_request(std::string_view id, std::string_view value) {
  Reader in{value};
  if (in.take() != kVersion) return std::nullopt;
  Request request;
  request.id = id;
  request.owned = in.take() != 0;
  request.until_us = read_number(in);
  request.member = in.text();
  const std::uint64_t count = in.number();
  if (count > kMost) return std::nullopt;
  for (std::uint64_t i = 0; in.ok && i < count; ++i) {
    Removal one;
    one.topic = in.text();
    one.partition = static_cast<std::int32_t>(read_number(in));
    one.from = read_number(in);
    one.to = one.from + read_number(in);
    if (in.take() != 0) one.successor = read_successor(in);
    request.removals.push_back(std::move(one));
  }
  return in.ok ? std::optional(std::move(request)) : std::nullopt;
}

std::string write_answer(const std::vector<Removed>& all) {
  std::string out(1, kVersion);
  put_number(out, static_cast<std::int64_t>(all.size()));
  for (const Removed& one : all) {
    put_flag(out, one.held);
    put_flag(out, one.full);
    put_number(out, static_cast<std::int64_t>(one.offsets.size()));
    for (const auto& [from, to] : one.offsets) {
      put_number(out, from);
      put_number(out, to - from);
    }
  }
  return out;
}

std::optional<std::vector<Removed>> read_answer(std::string_view value) {
  Reader in{value};
  if (in.take() != kVersion) return std::nullopt;
  std::vector<Removed> all;
  const std::uint64_t count = in.number();
  if (count > kMost) return std::nullopt;
  for (std::uint64_t i = 0; in.ok && i < count; ++i) {
    Removed one;
    one.held = in.take() != 0;
    one.full = in.take() != 0;
    const std::uint64_t ranges = in.number();
    for (std::uint64_t n = 0; in.ok && n < ranges; ++n) {
      const std::int64_t from = read_number(in);
      one.offsets.add(from, from + read_number(in));
    }
    all.push_back(std::move(one));
  }
  return in.ok ? std::optional(std::move(all)) : std::nullopt;
}

}  // namespace gander::kafka
