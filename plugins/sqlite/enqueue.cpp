#include "enqueue.h"

namespace gander::sqlite {
namespace {

// Rows in one commit: enough to make the fsync cheap, few enough that the first does not wait long.
constexpr std::size_t kGroupRows = 4000;

}  // namespace

Inserter::Inserter(Connection& connection)
    : queues_(connection),
      counter_(connection),
      ready_(connection,
             "INSERT INTO ready(queue, prio, pos, seq) SELECT queue, prio, pos, seq FROM message "
             "WHERE seq>=?1 AND state=1"),
      insert_(connection,
              "INSERT INTO message(seq, id, queue, prio, pos, state, due, died, flags, enqueued_at,"
              " run_at, first_failed_at, failed_at, attempts, crashes, give_backs, note, body) "
              "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
              " ?17) ON CONFLICT(id) DO NOTHING") {}

void Inserter::begin(std::int64_t now_us) {
  now_us_ = now_us;
  counter_.load();
  first_seq_ = counter_.peek();
}

gander_status Inserter::insert(const gander_message& m) {
  const std::int64_t queue = queues_.find_or_add(sdk::view(m.queue));
  const std::int64_t seq = counter_.next();
  const bool front = (m.flags & GANDER_MESSAGE_FRONT) != 0;
  const std::int64_t pos = front ? counter_.front(1) : seq;
  const bool later = m.run_at_us > now_us_;
  const auto store = [&](int state, const auto& due) {
    return insert_.run(seq, blob(m.id), queue, m.priority, pos, state, due, m.flags,
                       m.enqueued_at_us, m.run_at_us, m.first_failed_at_us, m.failed_at_us,
                       m.attempts, m.crashes, m.give_backs, sdk::view(m.note), blob(m.body));
  };
  if (later) return store(GANDER_STATE_SCHEDULED, m.run_at_us) == 1 ? GANDER_OK : GANDER_DUPLICATE;
  if (store(GANDER_STATE_READY, nullptr) != 1) return GANDER_DUPLICATE;
  return GANDER_OK;
}

// All that this transaction stored at once, which is cheaper than a statement for each.
void Inserter::end() {
  ready_.run(first_seq_);
  counter_.save();
}

Writer::Writer(const Settings& settings, sdk::Host host, Gate& gate, Wake& wake)
    : settings_(settings), host_(host), gate_(gate), wake_(wake) {}

void Writer::open(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (inserter_) return;
  connection_ = std::move(connection);
  inserter_ = std::make_unique<Inserter>(*connection_);
}

void Writer::enqueue(sdk::Messages messages, sdk::Verdicts verdicts,
                     const sdk::Deadline& deadline) {
  Ticket ticket{messages, verdicts, deadline, {}, false, false, nullptr};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&ticket);
  while (!ticket.done) {
    if (!wait_for_turn(lock, ticket)) lead(lock, ticket);
  }
  if (ticket.failure) std::rethrow_exception(ticket.failure);
}

// True when somebody else has committed the ticket; false when it must lead.
bool Writer::wait_for_turn(std::unique_lock<std::mutex>& lock, Ticket& ticket) {
  const auto ready = [&] { return ticket.done || (!busy_ && !ticket.taken); };
  const auto patience = std::chrono::milliseconds(settings_.busy_timeout_ms);
  const auto until = ticket.deadline.at().value_or(std::chrono::steady_clock::now() + patience);
  if (!ticket.turn.wait_until(lock, until, ready)) {
    if (!ticket.taken) {
      std::erase(waiting_, &ticket);
      throw sdk::Error(ticket.deadline.at() ? GANDER_TIMEOUT : GANDER_UNAVAILABLE,
                       settings_.path +
                           ": enqueue: others were writing all the time; allow the "
                           "call more time",
                       GANDER_ERROR_RETRYABLE);
    }
    // Its rows are in a commit that runs: to leave now would be to not know what became of them.
    ticket.turn.wait(lock, [&] { return ticket.done; });
  }
  return ticket.done;
}

void Writer::lead(std::unique_lock<std::mutex>& lock, Ticket& ticket) {
  busy_ = true;
  lock.unlock();
  std::exception_ptr failure;
  try {
    commit_group(ticket.deadline);
  } catch (...) {
    failure = std::current_exception();
    inserter_->forget();
  }
  lock.lock();
  if (failure && !ticket.taken) {
    // The lock was not had in this caller's time: the others have theirs.
    std::erase(waiting_, &ticket);
    ticket.failure = failure;
    ticket.done = true;
  }
  finish_group(failure);
  busy_ = false;
  if (!waiting_.empty()) waiting_.front()->turn.notify_one();
}

void Writer::commit_group(const sdk::Deadline& deadline) {
  connection_->begin_call(deadline);
  Transaction transaction(*connection_, gate_);
  take_group();
  inserter_->begin(host_.now_us());
  for (const Ticket* ticket : group_) write(*ticket);
  inserter_->end();
  transaction.commit();
  wake_.ring();
}

// Only now that the lock is had: whoever came while it was waited for is in.
void Writer::take_group() {
  const std::lock_guard lock(mutex_);
  std::size_t rows = 0;
  while (!waiting_.empty() &&
         (rows == 0 || rows + waiting_.front()->messages.size() < kGroupRows)) {
    Ticket* next = waiting_.front();
    waiting_.pop_front();
    next->taken = true;
    rows += next->messages.size();
    group_.push_back(next);
  }
}

void Writer::write(const Ticket& ticket) {
  for (std::size_t i = 0; i < ticket.messages.size(); ++i)
    ticket.verdicts[i] = inserter_->insert(*ticket.messages[i]);
}

void Writer::finish_group(const std::exception_ptr& failure) {
  for (Ticket* ticket : group_) {
    ticket->failure = failure;
    ticket->done = true;
    ticket->turn.notify_one();
  }
  group_.clear();
}

}  // namespace gander::sqlite
