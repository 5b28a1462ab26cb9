#include "ask.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "committed.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kPause{20};
// Then the group is looked at again, as its partitions may have gone to others. The first
// transaction of a worker takes a second.
constexpr std::chrono::milliseconds kListen{2000};
constexpr std::chrono::seconds kForgetIn{1};
// A request is served for so long beyond its deadline, as clocks of machines differ.
constexpr std::int64_t kSkew = 60'000'000;
// Of one request; one that is larger by itself goes alone.
constexpr std::size_t kMostRemovals = 1000, kMostBytes = 512U << 10U;

std::size_t size_of(const Removal& one) {
  return one.topic.size() + 64 +
         (one.successor && one.successor->value ? one.successor->value->size() : 0);
}

std::string_view key_of(const rd_kafka_message_t& m) {
  return {static_cast<const char*>(m.key), m.key_len};
}

// What is to come may have been made ready, or have been moved, since it was read.
bool is_there(const Removal& one, const Log::Kept& kept) {
  const auto id = id_of(one);
  const auto found = id ? kept.find(*id) : kept.end();
  return found != kept.end() && found->second.partition == one.partition &&
         found->second.offset == one.from;
}

std::size_t missing(const std::vector<std::optional<Removed>>& answers) {
  return static_cast<std::size_t>(
      std::ranges::count_if(answers, [](const auto& one) { return !one.has_value(); }));
}

}  // namespace

std::vector<Removed> Asker::ask(const std::vector<Removal>& removals,
                                const sdk::Deadline& deadline) {
  answers_.assign(removals.size(), std::nullopt);
  if (removals.empty()) return {};
  const std::string& name = instance_.topics.names().group();
  instance_.topics.need_control(deadline);
  position_ = log_.end_of(instance_.topics.names().state(), deadline);
  try {
    while (missing(answers_) > 0) {
      if (deadline.passed()) throw unanswered();
      const Group group = Admin(log_.client()).group(name, deadline);
      if (group.members.empty()) {
        if (settle_here(removals, deadline)) break;
        // Not as long for each, or two operators would get in each other's way for ever.
        std::this_thread::sleep_for(kPause * static_cast<int>(1 + new_token() % 50));
        continue;
      }
      if (group.stable) write(group, removals, deadline);
      listen(deadline);
    }
  } catch (const sdk::Error& e) {
    const bool some = !asked_.empty() || missing(answers_) < answers_.size();
    forget();
    if (!some) throw;
    // Wherever the time has run out.
    if (e.code() == GANDER_TIMEOUT) throw unanswered();
    throw with_flags(e, e.flags() | GANDER_ERROR_MAYBE_APPLIED);
  } catch (...) {
    forget();
    throw;
  }
  forget();
  std::vector<Removed> all;
  for (const auto& one : answers_) all.push_back(*one);
  if (std::ranges::any_of(all, &Removed::full))
    throw sdk::Error(GANDER_UNAVAILABLE,
                     instance_.settings.where() +
                         ": the commit of a partition has no room for more removals from its "
                         "middle; let its workers go on, and try again",
                     GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED);
  return all;
}

sdk::Error Asker::unanswered() const {
  return {GANDER_TIMEOUT,
          instance_.settings.where() + ": " + std::to_string(missing(answers_)) + " of " +
              std::to_string(answers_.size()) +
              " removals were not answered by the workers that own the partitions; try again",
          GANDER_ERROR_RETRYABLE | GANDER_ERROR_MAYBE_APPLIED};
}

// Of a group without members; false: not all of it, try again.
bool Asker::settle_here(const std::vector<Removal>& removals, const sdk::Deadline& deadline) {
  try {
    return settle_alone(removals, deadline);
  } catch (const sdk::Error& e) {
    // Another operator's turn, or a worker has joined.
    const auto code = static_cast<rd_kafka_resp_err_t>(e.native_code());
    if (!is_fenced(code) && !is_overtaken(code)) throw;
    return false;
  }
}

// Operators take turns, or the commit of one would take back what another has removed: who begins
// shuts out those who have begun before. That there are no members still is seen when the commit is
// pending: who joins later waits for its end before he reads what is committed, and what is to
// come. As is waited here for the end of what the last member wrote.
bool Asker::settle_alone(const std::vector<Removal>& removals, const sdk::Deadline& deadline) {
  alone_.take_turn(deadline);
  const std::string later = instance_.topics.names().scheduled();
  std::set<std::string> topics;
  for (const Removal& one : removals) topics.insert(one.topic);
  std::map<std::pair<std::string, std::int32_t>, Offsets> after;
  for (Progress& p : log_.progress({topics.begin(), topics.end()}, deadline))
    after.emplace(std::pair(p.topic, p.partition), std::move(p.offsets));
  hear_answers(deadline);
  Log::Kept kept;
  if (topics.contains(later)) kept = log_.read_compacted(later, deadline);
  Answers done(answers_);
  Settlement settlement;
  std::set<std::pair<std::string, std::int32_t>> changed;
  for (std::size_t i = 0; i < removals.size(); ++i) {
    if (done[i]) continue;
    const Removal& one = removals[i];
    // Not answered, while it has no leader: of what its commit says nothing is known.
    const auto found = after.find({one.topic, one.partition});
    if (found == after.end()) continue;
    if (one.topic != later)
      done[i] = settlement.add(one, found->second);
    else
      done[i] = is_there(one, kept) ? settlement.add_kept(one) : Removed();
    if (!done[i]->offsets.empty()) changed.emplace(one.topic, one.partition);
  }
  const PartitionList list = new_list();
  for (const auto& at : changed) {
    if (at.first == later) {
      add_note(*list, at.first, at.second, after.at(at).base(), "");
      continue;
    }
    // Its last owner may be cut off, and would keep to what he knows when he is back.
    after.at(at).owner = new_token();
    add_commit(*list, at.first, at.second, after.at(at));
  }
  const std::string& name = instance_.topics.names().group();
  const Owned<rd_kafka_consumer_group_metadata_t> nobody(
      rd_kafka_consumer_group_metadata_new(name.c_str()));
  const auto still = [&] { return Admin(log_.client()).group(name, deadline).members.empty(); };
  if (list->cnt > 0) alone_.run(settlement.records, list.get(), nobody.get(), deadline, still);
  answers_ = std::move(done);
  return missing(answers_) == 0;
}

void Asker::write(const Group& group, const std::vector<Removal>& removals,
                  const sdk::Deadline& deadline) {
  const std::size_t before = asked_.size();
  const std::int64_t left = ms_left(deadline, instance_.settings.call_timeout);
  const std::int64_t until_us = instance_.host.now_us() + left * 1000 + kSkew;
  const auto& any = *std::ranges::min_element(group.members, {}, &GroupMember::id);
  std::map<std::pair<std::string, bool>, std::size_t> open;  // in asked_
  std::map<std::size_t, std::size_t> bytes;
  for (std::size_t i = 0; i < removals.size(); ++i) {
    if (answers_[i]) continue;
    const Removal& one = removals[i];
    const GroupMember* owner = group.owner_of(one.topic, one.partition);
    const auto key = std::pair((owner == nullptr ? any : *owner).id, owner != nullptr);
    auto it = open.find(key);
    if (it == open.end() || asked_[it->second].places.size() >= kMostRemovals ||
        bytes[it->second] + size_of(one) > kMostBytes) {
      it = open.insert_or_assign(key, asked_.size()).first;
      asked_.push_back({{text_of(new_token()), key.first, key.second, until_us, {}}, {}});
    }
    asked_[it->second].request.removals.push_back(one);
    asked_[it->second].places.push_back(i);
    bytes[it->second] += size_of(one);
  }
  const std::string topic = instance_.topics.names().state();
  for (std::size_t i = before; i < asked_.size(); ++i) {
    const Request& request = asked_[i].request;
    const std::vector<Outgoing> record{{topic, 0, request_key(request.id), write_request(request)}};
    transactions_.run(record, nullptr, nullptr, deadline);
  }
}

void Asker::read_on(const Log::Visitor& visit, const sdk::Deadline& deadline) {
  const auto note = [&](const rd_kafka_message_t& m) {
    position_ = m.offset + 1;
    return visit(m);
  };
  const std::string topic = instance_.topics.names().state();
  log_.read({{topic, 0, position_, std::numeric_limits<std::int64_t>::max()}}, note, deadline);
}

void Asker::hear(const Heard& heard, const sdk::Deadline& deadline) {
  const auto visit = [&](const rd_kafka_message_t& m) {
    const auto id = answered_by(key_of(m));
    if (!id || m.payload == nullptr) return true;
    const auto asked =
        std::ranges::find_if(asked_, [&](const Asked& one) { return one.request.id == *id; });
    if (asked == asked_.end()) return true;
    auto said = read_answer({static_cast<const char*>(m.payload), m.len});
    if (said && said->size() == asked->request.removals.size()) heard(*asked, *std::move(said));
    return true;
  };
  read_on(visit, deadline);
}

void Asker::hear_answers(const sdk::Deadline& deadline) {
  const auto heard = [&](const Asked& asked, std::vector<Removed> said) {
    for (std::size_t i = 0; i < said.size(); ++i)
      if (auto& place = answers_[asked.places[i]]; !place) place = std::move(said[i]);
  };
  hear(heard, deadline);
}

void Asker::listen(const sdk::Deadline& deadline) {
  const auto until = std::chrono::steady_clock::now() + kListen;
  while (missing(answers_) > 0 && !deadline.passed() && std::chrono::steady_clock::now() < until) {
    hear_answers(deadline);
    if (missing(answers_) > 0) std::this_thread::sleep_for(kPause);
  }
}

// A transaction's end is answered before its records are shown. Whoever came into the group in
// between would not read it.
bool Asker::await_shown(std::string_view key, const sdk::Deadline& deadline) {
  bool shown = false;
  const auto visit = [&](const rd_kafka_message_t& m) { return !(shown = key_of(m) == key); };
  for (;;) {
    read_on(visit, deadline);
    if (shown || deadline.passed()) return shown;
    std::this_thread::sleep_for(kPause);
  }
}

// Nothing is to be removed; the answer says that all before it was read.
void Asker::ask_whether_read(const Group& group, const sdk::Deadline& deadline) {
  const std::int64_t left = ms_left(deadline, instance_.settings.call_timeout);
  const std::int64_t until_us = instance_.host.now_us() + left * 1000 + kSkew;
  std::vector<Outgoing> records;
  for (const GroupMember& member : group.members) {
    asked_.push_back({{text_of(new_token()), member.id, true, until_us, {}}, {}});
    const Request& request = asked_.back().request;
    records.push_back(
        {instance_.topics.names().state(), 0, request_key(request.id), write_request(request)});
  }
  if (!records.empty()) transactions_.run(records, nullptr, nullptr, deadline);
}

// Of those of now alone: who comes later reads all that there is before he takes anything.
std::size_t Asker::await_readers(std::string_view key, std::int64_t from,
                                 const sdk::Deadline& deadline) {
  const sdk::Deadline until = within(deadline, instance_.settings.call_timeout);
  const std::string& name = instance_.topics.names().group();
  std::set<std::string> silent;
  position_ = from;
  try {
    if (!await_shown(key, until)) return 1;
    Group group = Admin(log_.client()).group(name, until);
    for (const GroupMember& member : group.members) silent.insert(member.id);
    ask_whether_read(group, until);
    auto look = std::chrono::steady_clock::now() + kListen;
    while (!silent.empty() && !until.passed()) {
      hear([&](const Asked& asked, const auto&) { silent.erase(asked.request.member); }, until);
      if (silent.empty()) break;
      std::this_thread::sleep_for(kPause);
      if (std::chrono::steady_clock::now() < look) continue;
      look = std::chrono::steady_clock::now() + kListen;
      group = Admin(log_.client()).group(name, until);
      std::erase_if(silent, [&](const std::string& id) {
        return std::ranges::find(group.members, id, &GroupMember::id) == group.members.end();
      });
    }
  } catch (const sdk::Error& e) {
    forget();
    if (e.code() != GANDER_TIMEOUT || silent.empty()) throw;
    return silent.size();
  }
  forget();
  return silent.size();
}

// What stays there is read by every worker that starts.
void Asker::forget() noexcept {
  try {
    const std::string topic = instance_.topics.names().state();
    std::vector<Outgoing> records;
    for (const Asked& one : asked_)
      for (const std::string& key : {request_key(one.request.id), answer_key(one.request.id)})
        records.push_back({topic, 0, key, std::nullopt});
    asked_.clear();
    if (!records.empty()) transactions_.run(records, nullptr, nullptr, after(kForgetIn));
  } catch (const std::exception& e) {
    instance_.host.log(GANDER_LOG_DEBUG, std::string("forgetting a request: ") + e.what());
  }
}

}  // namespace gander::kafka
