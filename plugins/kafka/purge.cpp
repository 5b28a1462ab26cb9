// Purging what is ready: which offsets that are is read from the log, so that it can be counted and
// told by age; who owns the partitions removes them.
#include <algorithm>

#include "manage.h"

namespace gander::kafka {
namespace {

// So many messages are removed at a time: what a deadline cuts short has done something.
constexpr std::size_t kAtOnce = 50'000;

// Ranges of one partition after the other. Chosen messages that lie beside each other in the log,
// with no other between them, are one range, whatever markers lie there as well.
class Choice {
 public:
  void add(const Progress& at, std::int64_t offset) {
    if (!open_ || removals_.back().topic != at.topic ||
        removals_.back().partition != at.partition) {
      removals_.push_back({at.topic, at.partition, offset, offset, std::nullopt});
      offsets_.emplace_back();
    }
    open_ = true;
    removals_.back().to = offset + 1;
    offsets_.back().push_back(offset);
    ++size_;
  }
  // What follows begins another range.
  void close() { open_ = false; }
  // All of a partition, which is not read for it.
  void add_whole(const Progress& at) {
    close();
    removals_.push_back({at.topic, at.partition, at.offsets.base(), at.end, std::nullopt});
    offsets_.emplace_back();
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::vector<Removal>& removals() const { return removals_; }
  // Of a partition that was not read an offset counts as a message.
  [[nodiscard]] std::uint64_t count(const Asker::Answers& all) const {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i]) continue;
      const Ranges& gone = all[i]->offsets;
      const auto is_gone = [&](std::int64_t offset) { return gone.contains(offset); };
      n += static_cast<std::uint64_t>(
          offsets_[i].empty() ? gone.total() : std::ranges::count_if(offsets_[i], is_gone));
    }
    return n;
  }

 private:
  std::vector<Removal> removals_;
  std::vector<std::vector<std::int64_t>> offsets_;
  std::size_t size_ = 0;
  bool open_ = false;
};

}  // namespace

std::uint64_t Manager::purge_ready(std::string_view queue, std::int64_t before_us,
                                   const sdk::Deadline& deadline) {
  std::uint64_t n = 0;
  Choice choice;
  const auto remove_chosen = [&] {
    try {
      asker_.ask(choice.removals(), deadline);
    } catch (const sdk::Error&) {
      n += choice.count(asker_.answers());
      throw;
    }
    n += choice.count(asker_.answers());
    choice = Choice();
  };
  const auto choose = [&](const gander_message& m, const Progress& at, std::int64_t offset) {
    const bool chosen =
        m.state == GANDER_STATE_READY && (before_us == 0 || m.enqueued_at_us < before_us);
    if (chosen)
      choice.add(at, offset);
    else
      choice.close();
    return true;
  };
  try {
    for (const Progress& at : inspector_.progress(queue, deadline)) {
      if (before_us == 0 && at.end - at.offsets.base() > static_cast<std::int64_t>(kAtOnce))
        choice.add_whole(at);
      else
        inspector_.read({at}, choose, deadline);
      if (choice.size() >= kAtOnce) remove_chosen();
    }
    remove_chosen();
  } catch (const sdk::Error& e) {
    if (e.code() != GANDER_TIMEOUT)
      throw with_flags(e, e.flags() | (n > 0 ? std::uint32_t{GANDER_ERROR_MAYBE_APPLIED} : 0U));
    throw sdk::PartlyDone(n, std::string("purge: cut short by the deadline: ") + e.what());
  }
  return n;
}

}  // namespace gander::kafka
