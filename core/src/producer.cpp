#include "producer.h"

#include <algorithm>
#include <utility>

#include "backoff.h"
#include "log.h"
#include "text.h"

namespace gander {

using std::chrono::steady_clock;

namespace {
constexpr auto kLongestGather = std::chrono::milliseconds(1);
}  // namespace

gander_message OwnedMessage::abi() const {
  gander_message m = message;
  m.queue = str(queue);
  m.body = bytes(body);
  return m;
}

Producer::Producer(std::shared_ptr<BrokerHandle> broker) : broker_(std::move(broker)) {}

Producer::~Producer() = default;

std::size_t Producer::max_batch() { return broker_->info().max_batch; }

void Producer::send(std::span<const gander_message> messages, TimePoint deadline) {
  std::vector<gander_status> many;
  gander_status one = GANDER_NOT_ATTEMPTED;
  std::span<gander_status> verdicts(&one, 1);
  if (messages.size() > 1) {
    many.resize(messages.size());
    verdicts = many;
  }
  const Status status = submit(messages, verdicts, deadline);
  if (!status.ok()) throw error_of(status, broker_->name(), "enqueue");
  check_verdicts(verdicts, *broker_);
}

Producer::Turn Producer::Submission::wait(TimePoint until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return turn_ != Turn::waits; });
  return turn_;
}

// Under the mutex to the end: who sees that it is done may be gone a moment later.
void Producer::Submission::become(Turn turn) {
  const std::lock_guard lock(mutex_);
  turn_ = turn;
  changed_.notify_one();
}

// Repeats until the deadline what may succeed later: the ids make it safe.
Status Producer::submit(std::span<const gander_message> messages, std::span<gander_status> verdicts,
                        TimePoint deadline) {
  Backoff backoff(std::chrono::milliseconds(20), std::chrono::milliseconds(500));
  for (;;) {
    Submission mine(messages, verdicts, deadline);
    Turn turn = join(mine);
    if (turn == Turn::waits) turn = mine.wait(deadline);
    if (turn == Turn::waits) {
      if (withdraw(mine)) return mine.status;
      turn = mine.wait(TimePoint::max());  // it is being sent, or has just been made leader
    }
    if (turn == Turn::leads) lead(mine);
    // a timeout may be that of a neighbour with less patience
    const bool again = mine.status.retryable() || mine.status.code == GANDER_TIMEOUT;
    if (mine.status.ok() || !again) return mine.status;
    const auto pause = backoff.next();
    if (steady_clock::now() + pause >= deadline) return mine.status;
    std::this_thread::sleep_for(pause);
  }
}

Producer::Turn Producer::join(Submission& mine) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(&mine);
  if (waiting_.size() == gather_) gathered_.notify_one();
  return std::exchange(busy_, true) ? Turn::waits : Turn::leads;
}

// A leader that is slow holds up nobody beyond his own deadline; what it is sending already it must
// finish, and who has just been made leader must lead.
bool Producer::withdraw(Submission& mine) {
  const std::lock_guard lock(mutex_);
  const auto place = std::find(waiting_.begin(), waiting_.end(), &mine);
  if (place == waiting_.end() || mine.leads) return false;
  waiting_.erase(place);
  mine.status.code = GANDER_TIMEOUT;
  std::string_view("others were before it until its deadline; the broker is slow or away")
      .copy(mine.status.error.message, sizeof(mine.status.error.message) - 1);
  return true;
}

// Sends for the front of the line, where the leader itself is the first.
void Producer::lead(Submission& mine) {
  static constexpr std::size_t kUnknownBatch = 1;  // until the broker could be asked
  std::size_t limit = kUnknownBatch;
  try {
    limit = broker_
                ->info(std::chrono::duration_cast<std::chrono::microseconds>(mine.deadline -
                                                                             steady_clock::now()))
                .max_batch;
  } catch (const Error&) {
    // transmit() meets the same trouble and reports it
  }
  std::vector<Submission*> group;
  take_group(group, limit);
  const auto began = steady_clock::now();
  const Status status = transmit(group);
  {
    const std::lock_guard lock(mutex_);
    last_group_ = group.size();
    last_took_ = steady_clock::now() - began;
    hand_over();
  }
  for (Submission* s : group) {
    s->status = status;
    if (s != &mine) s->become(Turn::done);
  }
}

void Producer::take_group(std::vector<Submission*>& group, std::size_t limit) {
  std::unique_lock lock(mutex_);
  gather(lock);
  std::size_t messages = 0;
  while (!waiting_.empty()) {
    Submission* next = waiting_.front();
    if (!group.empty() && messages + next->messages.size() > limit) break;
    waiting_.pop_front();
    messages += next->messages.size();
    group.push_back(next);
  }
}

// To the first in line, before those who were served are woken and come back.
void Producer::hand_over() {
  busy_ = !waiting_.empty();
  if (!busy_) return;
  waiting_.front()->leads = true;
  waiting_.front()->become(Turn::leads);
}

// Those who were served together come back together, but one of them is first. Sending for that one
// alone would make groups of one and of all the others in turn, at twice the calls: so it waits for
// as many as came last time, and for a part of what a call takes. Alone, it waits for nobody.
void Producer::gather(std::unique_lock<std::mutex>& lock) {
  if (last_group_ <= 1 || waiting_.size() >= last_group_) return;
  gather_ = last_group_;
  const auto window = std::min<steady_clock::duration>(last_took_ / 2, kLongestGather);
  gathered_.wait_for(lock, window, [this] { return waiting_.size() >= gather_; });
  gather_ = 0;
}

Status Producer::transmit(std::span<Submission* const> group) {
  if (group.size() == 1) return call(group[0]->messages, group[0]->verdicts, group[0]->deadline);
  std::vector<gander_message> messages;
  TimePoint deadline = group[0]->deadline;
  for (const Submission* s : group) {
    messages.insert(messages.end(), s->messages.begin(), s->messages.end());
    deadline = std::min(deadline, s->deadline);
  }
  std::vector<gander_status> verdicts(messages.size());
  const Status status = call(messages, verdicts, deadline);
  auto from = verdicts.begin();
  for (const Submission* s : group) {
    std::copy_n(from, s->verdicts.size(), s->verdicts.begin());
    from += static_cast<std::ptrdiff_t>(s->verdicts.size());
  }
  return status;
}

Status Producer::call(std::span<const gander_message> messages, std::span<gander_status> verdicts,
                      TimePoint deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(deadline - steady_clock::now());
  try {
    if (!session_) session_ = broker_->open(GANDER_ROLE_PRODUCE, {}, {}, left);
  } catch (const Error& e) {
    Status status;
    status.code = static_cast<gander_status>(e.code());
    status.error.flags = e.retryable() ? std::uint32_t{GANDER_ERROR_RETRYABLE} : 0U;
    const std::string_view text = e.what();
    text.copy(status.error.message, sizeof(status.error.message) - 1);
    return status;
  }
  Status status = session_->enqueue(messages, verdicts, left);
  if (status.reconnect()) session_.reset();
  return status;
}

std::future<Id> Producer::send_async(OwnedMessage message, TimePoint deadline) {
  AsyncItem item{std::move(message), deadline, {}};
  std::future<Id> result = item.promise.get_future();
  const std::lock_guard lock(async_mutex_);
  async_.push_back(std::move(item));
  if (!async_thread_.joinable())
    async_thread_ = std::jthread([this](const std::stop_token& stop) { run_async(stop); });
  async_ready_.notify_one();
  return result;
}

// Until the Producer ends, and then until nothing is left to send: a future that was handed out is
// always kept.
void Producer::run_async(const std::stop_token& stop) {
  std::unique_lock lock(async_mutex_);
  for (;;) {
    async_ready_.wait(lock, stop, [this] { return !async_.empty(); });
    if (async_.empty()) return;
    std::vector<AsyncItem> items;
    items.swap(async_);
    lock.unlock();
    send_items(items);
    lock.lock();
  }
}

void Producer::send_items(std::vector<AsyncItem>& items) {
  std::size_t limit = 1;
  try {
    limit = max_batch();
  } catch (const Error&) {
    // submit() meets the same trouble and reports it
  }
  for (std::size_t from = 0; from < items.size(); from += limit) {
    const std::span part(items.data() + from, std::min(limit, items.size() - from));
    std::vector<gander_message> messages;
    std::vector<gander_status> verdicts(part.size());
    for (const AsyncItem& item : part) messages.push_back(item.message.abi());
    const Status status = submit(messages, verdicts, part.front().deadline);
    for (std::size_t i = 0; i < part.size(); ++i) {
      try {
        if (!status.ok()) throw error_of(status, broker_->name(), "enqueue");
        check_verdicts({&verdicts[i], 1}, *broker_);
        part[i].promise.set_value(Id(std::to_array(messages[i].id.bytes)));
      } catch (...) {
        part[i].promise.set_exception(std::current_exception());
      }
    }
  }
}

void check_verdicts(std::span<const gander_status> verdicts, const BrokerHandle& broker) {
  for (const gander_status verdict : verdicts) {
    if (verdict == GANDER_OK || verdict == GANDER_DUPLICATE) continue;
    Status status;
    status.code = verdict;
    const char* text = "the broker refused the message";
    if (verdict == GANDER_TOO_LARGE)
      text =
          "the message is larger than the broker takes (info().max_body) or its server: send a "
          "reference to the data instead";
    if (verdict == GANDER_FULL) text = "the broker is full: disk, memory or a limit of the server";
    if (verdict == GANDER_UNSUPPORTED)
      text =
          "the broker cannot do what the message asks for: a time, priority or place of its own; "
          "'gander plugin info' of it shows what it can, docs/brokers/README.md which others can";
    if (verdict == GANDER_NOT_ATTEMPTED) text = "the plugin gave no verdict on the message";
    std::string_view(text).copy(status.error.message, sizeof(status.error.message) - 1);
    throw error_of(status, broker.name(), "enqueue");
  }
}

}  // namespace gander
