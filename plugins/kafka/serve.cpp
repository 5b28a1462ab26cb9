// What an operator asks of messages that wait here: see removal.h. On the member's own thread, so
// that nothing arrives meanwhile.
#include <algorithm>

#include "committed.h"
#include "member.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kPatience{3000};

}  // namespace

void Member::arrive_request(std::string_view id, const rd_kafka_message_t& m) {
  std::erase_if(requests_, [&](const Request& one) { return one.id == id; });
  if (m.payload == nullptr) return;  // whoever asked has given it up
  auto request = read_request(id, {static_cast<const char*>(m.payload), m.len});
  if (!request || request->until_us < host_.now_us() || request->member != this->id()) return;
  requests_.push_back(*std::move(request));
}

// One at a time: each may take its deadline, and between them the group must be answered. A removal
// that fails is not tried again here: whoever asked, asks again; as those do whose time is over
// when the cluster says nothing. For a confirmation nobody asks again. False: for now this one
// could not be served.
bool Member::serve_request() {
  if (requests_.empty()) return true;
  auto next = std::ranges::find_if(requests_, &std::vector<Removal>::empty, &Request::removals);
  if (next == requests_.end()) next = requests_.begin();
  Request request = std::move(*next);
  requests_.erase(next);
  if (request.until_us < host_.now_us()) return true;
  const sdk::Deadline deadline = after(kPatience);
  bool later = false;
  try {
    later = serve(request, deadline) == Look::later;
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_DEBUG, std::string("serving an operator: ") + e.what());
    later = request.removals.empty();
  }
  if (later) requests_.push_back(std::move(request));
  if (deadline.passed()) drop_removals();
  return !later;
}

void Member::drop_removals() {
  std::erase_if(requests_, [](const Request& one) { return !one.removals.empty(); });
}

Member::Look Member::serve(const Request& request, const sdk::Deadline& deadline) {
  if (request.removals.empty()) {
    confirm(request, deadline);
    return Look::done;
  }
  const auto commits = hold_commits(deadline);
  if (!answered(true)) {
    drop_removals();
    return Look::done;
  }
  end_doubt(deadline);
  if (request.owned) return serve_as_owner(request, deadline);
  serve_for_nobody(request, deadline);
  return Look::done;
}

// That all before it was read. It comes with nothing else, so it takes no transaction, the first of
// which takes a second.
void Member::confirm(const Request& request, const sdk::Deadline& deadline) {
  const std::string topic = topics_.names().state(), key = answer_key(request.id);
  std::string answer = write_answer({});
  const Client& client = topics_.client(deadline);
  const auto code = rd_kafka_producev(
      client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
      RD_KAFKA_V_VALUE(answer.data(), answer.size()), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client.error(code, "writing to " + topic);
}

// What is to come is ours as far as we have read it: whoever asked may have read on. With commits
// held, under mutex_.
Member::Look Member::remove_kept(const Removal& removal, Settlement& settlement,
                                 std::vector<Due::Place>& gone) {
  const auto id = id_of(removal);
  if (!id) return Look::not_ours;
  if (!joined_ || due_.position(removal.partition) < 0) return Look::not_ours;
  if (promoted_in_doubt_ || !due_.has_read(removal.partition, removal.to)) return Look::later;
  // Not what was written under its id since whoever asked has read it.
  const Due::Place place{*id, removal.partition, removal.from};
  if (!due_.has(place)) {
    settlement.answer.emplace_back();
    return Look::done;
  }
  settlement.add_kept(removal);
  gone.push_back(place);
  return Look::done;
}

Member::Look Member::serve_as_owner(const Request& request, const sdk::Deadline& deadline) {
  const auto fence = group();
  Settlement settlement;
  std::map<Partition*, std::pair<Offsets, Ranges>> after;
  std::vector<Record> withheld;
  std::vector<Due::Place> gone;
  std::set<std::int32_t> later;  // partitions of <prefix>.sched
  const PartitionList list = new_list();
  {
    const std::lock_guard lock(mutex_);
    for (const Removal& one : request.removals) {
      if (one.topic == topics_.names().scheduled()) {
        const Look look = remove_kept(one, settlement, gone);
        if (look != Look::done) return look;
        later.insert(one.partition);
        continue;
      }
      Partition* p = joined_ ? stock_.owned(one.topic, one.partition) : nullptr;
      if (p == nullptr) return Look::not_ours;  // whoever asked looks for its owner anew
      auto& [offsets, removed] = after.try_emplace(p, p->offsets, Ranges()).first->second;
      const Removed& done = settlement.add(
          one, offsets, [p](std::int64_t offset) { return p->held.contains(offset); });
      for (const auto& [from, to] : done.offsets) removed.add(from, to);
    }
    for (auto& [p, state] : after) {
      state.first.owner = token_;
      state.first.left = false;
      add_commit(*list, p->topic, p->number, state.first);
      stock_.withhold(*p, state.second, withheld);
    }
    // The name of the request tells this commit from those before it: see write_surely().
    for (const std::int32_t number : later)
      add_note(*list, topics_.names().scheduled(), number, due_.position(number), request.id);
  }
  settlement.answer_to(request.id, topics_.names().state());
  const Written written = write_surely(settlement.records, *list, fence.get(), deadline);
  const bool done = written == Written::yes;
  const std::lock_guard lock(mutex_);
  for (Record& record : withheld)
    if (!done) stock_.put_back(std::move(record));
  // Whoever came to take meanwhile went away empty-handed; and what was removed made room.
  for (const auto& [p, state] : after)
    if (!p->queue.empty()) bell_.ring(p->queue);
  if (written == Written::unknown && !gone.empty()) promoted_in_doubt_ = true;
  if (!done) return Look::done;
  for (const Due::Place& place : gone) due_.erase(place);
  for (auto& [p, state] : after) {
    for (const auto& [from, to] : state.second) p->offsets.remove(from, to);
    p->dirty = stock_.changed = true;
  }
  changed_.notify_all();
  return Look::done;
}

// Partitions of queues that no worker takes from. The group as it is now is looked at after what
// the commit is fenced by, so if it shares out meanwhile, and they get an owner, nothing is
// written.
void Member::serve_for_nobody(const Request& request, const sdk::Deadline& deadline) {
  const auto fence = group();
  const Group now = Admin(client_).group(topics_.names().group(), deadline);
  if (!now.stable) return;
  const PartitionList list = new_list();
  std::set<std::pair<std::string, std::int32_t>> partitions;
  for (const Removal& one : request.removals) {
    if (now.owner_of(one.topic, one.partition) != nullptr) return;
    if (one.topic == topics_.names().scheduled()) return;  // it will have one
    if (partitions.emplace(one.topic, one.partition).second)
      rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition);
  }
  const int left = ms_left(deadline, settings_.call_timeout);
  const auto code = rd_kafka_committed(client_.get(), list.get(), left);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.error(code, "reading what is committed");
  std::map<std::pair<std::string, std::int32_t>, Offsets> after;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& at = list->elems[i];
    after.emplace(std::pair(at.topic, at.partition), offsets_of(at));
  }
  Settlement settlement;
  for (const Removal& one : request.removals) {
    Offsets& offsets = after.at({one.topic, one.partition});
    // Whoever had it last, and is in the group no more, would keep to what he knows when he is
    // back.
    if (!settlement.add(one, offsets).offsets.empty()) offsets.owner = new_token();
  }
  settlement.answer_to(request.id, topics_.names().state());
  const PartitionList commit = new_list();
  for (const auto& [at, offsets] : after) add_commit(*commit, at.first, at.second, offsets);
  static_cast<void>(write_surely(settlement.records, *commit, fence.get(), deadline));
}

// Also when the answer is lost. With commits held.
Member::Written Member::write_surely(const std::vector<Outgoing>& records,
                                     const rd_kafka_topic_partition_list_t& commit,
                                     const rd_kafka_consumer_group_metadata_t* fence,
                                     const sdk::Deadline& deadline) {
  try {
    transactions_.run(records, &commit, fence, deadline);
    return Written::yes;
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_DEBUG, std::string("removing what waits: ") + e.what());
    if ((e.flags() & GANDER_ERROR_MAYBE_APPLIED) == 0) return Written::no;
  }
  try {
    transactions_.resolve(deadline);
    const PartitionList is(rd_kafka_topic_partition_list_copy(&commit));
    const auto code = rd_kafka_committed(client_.get(), is.get(), kPatience.count());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.error(code, "reading what is committed");
    return same_commits(*is, commit) ? Written::yes : Written::no;
  } catch (const sdk::Error& e) {
    host_.log(GANDER_LOG_WARN, std::string("what an operator removed may run: ") + e.what());
    return Written::unknown;
  }
}

}  // namespace gander::kafka
