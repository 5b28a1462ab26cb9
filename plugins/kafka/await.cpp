// What callers wait for: that something has come, that the group has answered. Never for work.
#include <algorithm>

#include "member.h"

namespace gander::kafka {
namespace {

// An exchange waits no longer for records that the cluster has and this process has asked for.
constexpr std::chrono::milliseconds kOnItsWay{250};

}  // namespace

// Under mutex_. The end is that of the last answer to a fetch: it costs no question.
bool Member::all_arrived(std::string_view queue) {
  bool all = true;
  stock_.each_owned([&](Partition& p) {
    if (p.queue != queue || !all) return;
    std::int64_t low = 0, high = 0;
    if (rd_kafka_get_watermark_offsets(client_.get(), p.topic.c_str(), p.number, &low, &high) ==
            RD_KAFKA_RESP_ERR_NO_ERROR &&
        high > p.end) {
      p.end = high;
      p.at_end = p.at_end && p.expected >= high;
    }
    all = p.at_end || p.expected >= p.end;
  });
  return all;
}

void Member::wait_fetched(sdk::Takes takes, const sdk::Deadline& deadline) {
  auto until = Clock::now() + kOnItsWay;
  if (deadline.at()) until = std::min(until, *deadline.at());
  const auto wanted = [](const gander_take* take) { return take->max_messages > 0; };
  if (std::ranges::none_of(takes, wanted)) return;
  std::unique_lock lock(mutex_);
  for (const gander_take* take : takes)
    if (wanted(take)) asked_at_.insert_or_assign(std::string(sdk::view(take->queue)), Clock::now());
  changed_.wait_until(lock, until, [&] {
    return handing_over_ ||
           std::ranges::any_of(
               takes, [&](const gander_take* t) { return stock_.any(sdk::view(t->queue)); }) ||
           (joined_ && std::ranges::all_of(takes, [&](const gander_take* t) {
              return all_arrived(sdk::view(t->queue));
            }));
  });
}

bool Member::wait_joined(const sdk::Deadline& deadline) {
  auto until = Clock::now() + settings_.connect_timeout;
  if (deadline.at()) until = std::min(until, *deadline.at());
  std::unique_lock lock(mutex_);
  const auto is_in = [this] { return joined_ && state_read_; };
  changed_.wait_until(lock, until, [&] { return is_in() || !refusals_.empty(); });
  if (is_in()) return true;
  lock.unlock();
  require_rights();
  return false;
}

bool Member::wait_read(const sdk::Deadline& deadline) {
  const auto wait = [&](auto&& ready) {
    std::unique_lock lock(mutex_);
    if (deadline.at()) return changed_.wait_until(lock, *deadline.at(), ready);
    changed_.wait(lock, ready);
    return true;
  };
  if (!wait([this] { return joined_ && state_read_; })) return false;
  const PartitionList ends = new_list();
  {
    const std::lock_guard lock(mutex_);
    for (const std::int32_t number : due_.partitions())
      rd_kafka_topic_partition_list_add(ends.get(), topics_.names().scheduled().c_str(), number)
          ->offset = RD_KAFKA_OFFSET_END;
  }
  if (ends->cnt == 0) return true;
  const auto code = rd_kafka_offsets_for_times(client_.get(), ends.get(),
                                               ms_left(deadline, settings_.call_timeout));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const auto read = [&] {
    for (int i = 0; i < ends->cnt; ++i) {
      const rd_kafka_topic_partition_t& end = ends->elems[i];
      if (end.offset > std::max<std::int64_t>(0, due_.position(end.partition))) return false;
    }
    return true;
  };
  if (!wait(read)) return false;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < ends->cnt; ++i)
    due_.reached_end(ends->elems[i].partition, ends->elems[i].offset);
  return true;
}

}  // namespace gander::kafka
