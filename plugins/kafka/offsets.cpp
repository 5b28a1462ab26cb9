#include "offsets.h"

#include <algorithm>

#include "base64.h"

namespace gander::kafka {
namespace {

// offset.metadata.max.bytes is 4096 by default, of base64: 3072 bytes, less what stands before the
// map.
constexpr std::size_t kRoom = 3000;
// At most: a length, and with it a number that goes with it.
constexpr std::size_t kPerRun = 8;

constexpr char kVersion = 1;
enum Form : char { kRuns = 0, kBits = 1 };

void put_number(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7U) out += static_cast<char>(n | 0x80U);
  out += static_cast<char>(n);
}

// Reads what put_number() and the like wrote; `ok` turns false at what they did not.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; ok; shift += 7) {
      const auto byte = static_cast<unsigned char>(take());
      if (shift > 56) ok = false;
      n |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return ok ? n : 0;
  }
  char take() {
    if (rest.empty()) {
      ok = false;
      return 0;
    }
    const char c = rest.front();
    rest.remove_prefix(1);
    return c;
  }
};

}  // namespace

bool Offsets::is_done(std::int64_t offset) const {
  if (offset < base_) return true;
  const auto at = static_cast<std::size_t>(offset - base_);
  return at < done_.size() && done_[at];
}

std::int64_t Offsets::done() const { return static_cast<std::int64_t>(done_count_); }

std::int64_t Offsets::held() const {
  return next_ - base_ - done() - static_cast<std::int64_t>(back_.size());
}

Offsets::Counts Offsets::counts(std::int64_t offset) const {
  const auto it = notes_.find(offset);
  return it == notes_.end() ? Counts{} : it->second;
}

void Offsets::hand_out(std::int64_t offset) {
  next_ = std::max(next_, offset + 1);
  if (!back_.empty()) back_.erase(offset);
}

void Offsets::give_back(std::int64_t offset, Counts more) {
  if (is_done(offset)) return;
  back_.insert(offset);
  if (more.crashes == 0 && more.give_backs == 0) return;
  Counts& kept = notes_[offset];
  kept.crashes += more.crashes;
  kept.give_backs += more.give_backs;
}

void Offsets::set(std::int64_t offset) {
  const auto at = static_cast<std::size_t>(offset - base_);
  if (at >= done_.size()) done_.resize(at + 1);
  if (!done_[at]) ++done_count_;
  done_[at] = true;
  if (!back_.empty()) back_.erase(offset);
  if (!notes_.empty()) notes_.erase(offset);
}

void Offsets::advance() {
  while (!done_.empty() && done_.front()) {
    done_.pop_front();
    --done_count_;
    ++base_;
  }
  next_ = std::max(next_, base_);
}

void Offsets::finish(std::int64_t offset) {
  if (offset < base_) return;
  next_ = std::max(next_, offset + 1);
  set(offset);
  advance();
}

void Offsets::skip(std::int64_t from, std::int64_t to) {
  from = std::max(from, base_);
  if (from >= to) return;
  if (from == base_ && done_.empty()) {  // perhaps millions: no need to mark each
    base_ = to;
    next_ = std::max(next_, to);
    return;
  }
  for (std::int64_t offset = from; offset < to; ++offset) set(offset);
  next_ = std::max(next_, to);
  advance();
}

std::size_t Offsets::give_back_all(Counts more) {
  std::size_t n = 0;
  for (std::int64_t offset = base_; offset < next_; ++offset) {
    if (is_done(offset) || back_.contains(offset)) continue;
    give_back(offset, more);
    ++n;
  }
  return n;
}

std::string Offsets::runs() const {
  std::string out;
  bool done = false;
  std::uint64_t length = 0;
  for (std::int64_t offset = base_; offset < next_; ++offset) {
    if (is_done(offset) != done) {
      put_number(out, length);
      done = !done;
      length = 0;
    }
    ++length;
  }
  put_number(out, length);
  return out;
}

std::string Offsets::bits() const {
  std::string out((static_cast<std::size_t>(next_ - base_) + 7) / 8, '\0');
  for (std::size_t i = 0; i < done_.size(); ++i)
    if (done_[i]) out[i / 8] = static_cast<char>(out[i / 8] | 1 << (i % 8));
  return out;
}

std::string Offsets::encode() const {
  std::string out(1, kVersion);
  out += left ? '\1' : '\0';
  put_number(out, owner);
  put_number(out, static_cast<std::uint64_t>(next_ - base_));
  const std::string as_runs = runs();
  const std::string as_bits = next_ - base_ > 24'000 ? as_runs : bits();
  const bool shorter = as_runs.size() <= as_bits.size();
  out += static_cast<char>(shorter ? kRuns : kBits);
  put_number(out, shorter ? as_runs.size() : as_bits.size());
  out += shorter ? as_runs : as_bits;
  for (auto it = back_.begin(); it != back_.end() && out.size() < kRoom; ++it) {
    put_number(out, static_cast<std::uint64_t>(*it - base_) + 1);
    const Counts c = counts(*it);
    put_number(out, c.crashes);
    put_number(out, c.give_backs);
  }
  put_number(out, 0);
  for (auto it = notes_.begin(); it != notes_.end() && out.size() < kRoom; ++it) {
    if (back_.contains(it->first)) continue;
    put_number(out, static_cast<std::uint64_t>(it->first - base_) + 1);
    put_number(out, it->second.crashes);
    put_number(out, it->second.give_backs);
  }
  put_number(out, 0);
  return to_base64(out);
}

std::optional<Offsets> Offsets::decode(std::int64_t base, std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  Reader in{*bytes};
  if (in.take() != kVersion) return std::nullopt;
  Offsets out(base);
  out.left = in.take() != 0;
  out.owner = in.number();
  const std::uint64_t window = in.number();
  const char form = in.take();
  const std::uint64_t size = in.number();
  if (!in.ok || window > (1ULL << 40U) || size > in.rest.size() || form > kBits)
    return std::nullopt;
  const std::string_view map = in.rest.substr(0, size);
  in.rest.remove_prefix(size);
  if (form == kRuns) {
    Reader runs{map};
    std::uint64_t at = 0;
    for (bool done = false; !runs.rest.empty(); done = !done) {
      const std::uint64_t length = runs.number();
      if (!runs.ok || length > window - at) return std::nullopt;
      if (done) out.done_.resize(at);
      if (done) out.done_.resize(at + length, true);
      at += length;
    }
  } else {
    if (map.size() != (window + 7) / 8) return std::nullopt;
    out.done_.resize(window);
    for (std::size_t i = 0; i < window; ++i)
      out.done_[i] = (static_cast<unsigned char>(map[i / 8]) >> (i % 8) & 1U) != 0;
  }
  out.next_ = base + static_cast<std::int64_t>(window);
  for (const bool back : {true, false}) {
    for (std::uint64_t at = in.number(); in.ok && at != 0; at = in.number()) {
      const std::int64_t offset = base + static_cast<std::int64_t>(at) - 1;
      const auto crashes = static_cast<std::uint32_t>(in.number());
      const auto give_backs = static_cast<std::uint32_t>(in.number());
      if (back) out.back_.insert(offset);
      if (crashes != 0 || give_backs != 0) out.notes_[offset] = {crashes, give_backs};
    }
  }
  if (!in.ok) return std::nullopt;
  out.done_count_ = static_cast<std::size_t>(std::ranges::count(out.done_, true));
  out.advance();
  return out;
}

bool Offsets::has_room() const {
  const auto window = static_cast<std::size_t>(next_ - base_);
  const std::size_t undone = window - done_count_;
  const std::size_t map = std::min(window / 8, (undone + 1) * kPerRun);
  return map + (back_.size() + notes_.size()) * kPerRun < kRoom;
}

}  // namespace gander::kafka
