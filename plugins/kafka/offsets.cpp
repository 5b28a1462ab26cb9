// The metadata of a commit is base64 of:
//
//   commit  := version flags owner window form size map removed* 0 back* 0 note* 0
//   version := %x01                   flags := %x00-03       ; Offsets::left, twice Offsets::idle
//   owner, window, size := number     ; varint.h; window is next - base, size is the map's in bytes
//   form    := %x00 map is runs / %x01 map is bits
//   runs    := number*                ; lengths, by turns of what is not done and of what is
//   bits    := byte*                  ; a bit for each of the window, the lowest first
//   removed := gap+1 length           ; beyond next, the gap counted from next or the one before
//   back    := at+1 crashes give-backs    ; given back; `at` counts from base
//   note    := at+1 crashes give-backs    ; of one that is handed out
#include "offsets.h"

#include <algorithm>
#include <vector>

#include "base64.h"
#include "varint.h"

namespace gander::kafka {
namespace {

// offset.metadata.max.bytes is 4096 by default, of base64: 3072 bytes, less what stands before the
// map.
constexpr std::size_t kRoom = 3000;
// Of it, what removals leave for what is handed out.
constexpr std::size_t kSpare = 200;
// At most: a length, and with it a number that goes with it.
constexpr std::size_t kPerRun = 8;
// Above so many bits never take less room than runs that fit.
constexpr std::int64_t kMostBits = 24'000;

// What no partition has, so that sums of what is read cannot overflow.
constexpr std::uint64_t kMost = 1ULL << 40U;

constexpr char kVersion = 1;
enum Form : char { kRuns = 0, kBits = 1 };
constexpr char kLeft = 1, kIdle = 2;  // of flags

// Of the window, into `done`; false: they do not say so much.
bool read_runs(std::string_view map, std::int64_t base, std::uint64_t window, Ranges& done) {
  Reader runs{map};
  std::uint64_t at = 0;
  for (bool is_done = false; !runs.rest.empty(); is_done = !is_done) {
    const std::uint64_t length = runs.number();
    if (!runs.ok || length > window - at) return false;
    const std::int64_t from = base + static_cast<std::int64_t>(at);
    if (is_done) done.add(from, from + static_cast<std::int64_t>(length));
    at += length;
  }
  return true;
}

bool read_bits(std::string_view map, std::int64_t base, std::uint64_t window, Ranges& done) {
  if (map.size() != (window + 7) / 8) return false;
  for (std::uint64_t i = 0; i < window; ++i) {
    if ((static_cast<unsigned char>(map[i / 8]) >> (i % 8) & 1U) == 0) continue;
    const std::int64_t offset = base + static_cast<std::int64_t>(i);
    done.add(offset, offset + 1);
  }
  return true;
}

}  // namespace

std::int64_t Offsets::held() const {
  const std::int64_t done = done_.total() - done_.total_from(next_);
  return next_ - base_ - done - static_cast<std::int64_t>(back_.size());
}

Offsets::Counts Offsets::counts(std::int64_t offset) const {
  const auto it = notes_.find(offset);
  return it == notes_.end() ? Counts{} : it->second;
}

void Offsets::hand_out(std::int64_t offset) {
  if (!back_.empty()) back_.erase(offset);
  if (offset < next_) return;
  for (; !skipped_.empty() && skipped_.begin()->first <= offset; skipped_.pop_front())
    done_.add(skipped_.begin()->first, skipped_.begin()->second);
  next_ = offset + 1;
}

void Offsets::give_back(std::int64_t offset, Counts more) {
  if (is_done(offset)) return;
  back_.insert(offset);
  if (more.crashes == 0 && more.give_backs == 0) return;
  Counts& kept = notes_[offset];
  kept.crashes += more.crashes;
  kept.give_backs += more.give_backs;
}

void Offsets::advance() {
  for (;;) {
    next_ = std::max(next_, base_);
    Ranges& done =
        base_ < next_ || skipped_.empty() || skipped_.begin()->first > base_ ? done_ : skipped_;
    if (done.empty() || done.begin()->first > base_) return;
    base_ = std::max(base_, done.begin()->second);
    done.pop_front();
  }
}

void Offsets::remove(std::int64_t from, std::int64_t to) {
  from = std::max(from, base_);
  if (from >= to) return;
  // With what beside it holds no record it is one range, or each marker would cost one more.
  if (from == base_)
    base_ = to;
  else
    done_.add(skipped_.begin_of(from), skipped_.end_of(to));
  if (!back_.empty()) back_.erase(back_.lower_bound(from), back_.lower_bound(to));
  if (!notes_.empty()) notes_.erase(notes_.lower_bound(from), notes_.lower_bound(to));
  advance();
}

void Offsets::skip(std::int64_t from, std::int64_t to) {
  from = std::max(from, base_);
  if (from >= to) return;
  if (from < next_) remove(from, std::min(to, next_));
  skipped_.add(std::max(from, next_), to);
  advance();
}

std::size_t Offsets::give_back_all(Counts more) {
  std::vector<std::int64_t> held;
  done_.each_gap(base_, next_, [&](std::int64_t from, std::int64_t to) {
    for (; from < to; ++from)
      if (!back_.contains(from)) held.push_back(from);
  });
  for (const std::int64_t offset : held) give_back(offset, more);
  return held.size();
}

std::string Offsets::runs() const {
  std::string out;
  std::int64_t at = base_;
  for (const auto& [from, to] : done_) {
    if (from >= next_) break;
    put_number(out, static_cast<std::uint64_t>(from - at));
    put_number(out, static_cast<std::uint64_t>(std::min(to, next_) - from));
    at = std::min(to, next_);
  }
  if (at < next_) put_number(out, static_cast<std::uint64_t>(next_ - at));
  return out;
}

std::string Offsets::bits() const {
  std::string out((static_cast<std::size_t>(next_ - base_) + 7) / 8, '\0');
  for (const auto& [from, to] : done_) {
    for (std::int64_t offset = from; offset < std::min(to, next_); ++offset) {
      const auto i = static_cast<std::size_t>(offset - base_);
      out[i / 8] = static_cast<char>(out[i / 8] | 1 << (i % 8));
    }
  }
  return out;
}

std::string Offsets::encode() const {
  std::string out(1, kVersion);
  out += static_cast<char>((left ? kLeft : 0) | (idle ? kIdle : 0));
  put_number(out, owner);
  put_number(out, static_cast<std::uint64_t>(next_ - base_));
  const std::string as_runs = runs();
  const std::string as_bits = next_ - base_ > kMostBits ? as_runs : bits();
  const bool shorter = as_runs.size() <= as_bits.size();
  out += static_cast<char>(shorter ? kRuns : kBits);
  put_text(out, shorter ? as_runs : as_bits);
  std::int64_t at = next_;
  for (const auto& [from, to] : done_) {
    if (to <= next_) continue;
    put_number(out, static_cast<std::uint64_t>(std::max(from, next_) - at) + 1);
    put_number(out, static_cast<std::uint64_t>(to - std::max(from, next_)));
    at = to;
  }
  put_number(out, 0);
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
  const char flags = in.take();
  out.left = (flags & kLeft) != 0;
  out.idle = (flags & kIdle) != 0;
  out.owner = in.number();
  const std::uint64_t window = in.number();
  const char form = in.take();
  const std::string_view map = in.text();
  if (!in.ok || window > kMost || form > kBits) return std::nullopt;
  if (!(form == kRuns ? read_runs : read_bits)(map, base, window, out.done_)) return std::nullopt;
  out.next_ = base + static_cast<std::int64_t>(window);
  // So many are never handed out, and each is looked at.
  if (static_cast<std::int64_t>(window) - out.done_.total() > 2 * kMostBits) return std::nullopt;
  std::int64_t end = out.next_;
  for (std::uint64_t gap = in.number(); in.ok && gap != 0; gap = in.number()) {
    const std::uint64_t length = in.number();
    if (gap > kMost || length > kMost) return std::nullopt;
    const std::int64_t from = end + static_cast<std::int64_t>(gap) - 1;
    end = from + static_cast<std::int64_t>(length);
    out.done_.add(from, end);
  }
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
  out.advance();
  return out;
}

// Of the map and what follows, in whatever order those are settled that are handed out.
std::size_t Offsets::most_bytes() const {
  const std::int64_t beyond = done_.total_from(next_);
  const auto window = static_cast<std::size_t>(next_ - base_);
  const std::size_t undone = window - static_cast<std::size_t>(done_.total() - beyond);
  const std::size_t map = std::min(window / 8, (undone + 1) * kPerRun);
  return map + (done_.size_from(next_) + back_.size() + notes_.size()) * kPerRun;
}

bool Offsets::has_room() const { return base_ == next_ || most_bytes() < kRoom; }

bool Offsets::can_remove(std::int64_t from, std::int64_t to) const {
  if (most_bytes() < kRoom - kSpare) return true;
  // Only beyond next() it takes room, and there only what joins no other range.
  if (from <= base_ || to <= next_) return true;
  const std::int64_t begin = skipped_.begin_of(from);
  return (begin > next_ && done_.contains(begin - 1)) || done_.contains(skipped_.end_of(to));
}

}  // namespace gander::kafka
