// Publishes with confirms, on a connection of its own that it makes when it is first needed, and
// again when it was lost. So an alarm of the server, which stops a connection that publishes, never
// holds up one that acks. [any]: one call at a time, others wait.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "build.h"
#include "connection.h"
#include "instance.h"
#include "rows.h"

namespace gander::rabbitmq {

struct Outgoing {
  enum class To { work, alone, later, dead };
  enum class Result {
    waiting,  // no answer came: it may be stored or not
    stored,
    refused,   // the queue has reached a limit
    unrouted,  // there is no such queue, though it was declared
    away,      // not sent: quorums.h
    too_large  // for the server, which stored nothing of it
  };
  const gander_message* message = nullptr;
  std::uint32_t state = 0;
  To to = To::work;
  std::int64_t delay_s = 0;  // of `later`, 1 to kLongestDelay
  Result result = Result::waiting;

  // Which has to take it.
  [[nodiscard]] Part part() const {
    if (to == To::later) return {Part::Kind::cascade, {}};
    return {Part::Kind::queue, std::string(sdk::view(message->queue))};
  }
};

class Publisher final : public Connection::Listener {
 public:
  enum class WhenBlocked { wait, fail };

  Publisher(Instance& instance, std::string what)
      : instance_(instance), what_(std::move(what)), builder_(instance) {}
  ~Publisher() override;

  // Throws as Client does.
  void connect(TimePoint until);
  // Returns when each item has its result. Throws when that is not to be had; the items that have
  // theirs keep it, and the error says MAYBE_APPLIED when any of the others was sent.
  void publish(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until);
  // They can be consumed from and published to when it returns, also when they were deleted.
  void ensure_queues(std::span<const std::string> queues, TimePoint until);
  // Puts the name among those that an operator is shown.
  void note_name(std::string_view queue, TimePoint until);
  // Tells each worker that listens to `key` that the state of this queue has changed (state.h).
  // False: there is none.
  bool tell(const std::string& key, std::string_view queue, TimePoint until);
  // Why the server takes no messages now; empty: it does.
  std::string alarm(TimePoint until);
  // What the server said of the last that was too_large; to be asked after there was one.
  [[nodiscard]] sdk::Error limit() {
    const Call call(*this, TimePoint::max());
    return *limit_error_;
  }
  [[nodiscard]] std::string server();

 private:
  // One at a time. Throws TIMEOUT when others last until then.
  class Call {
   public:
    Call(Publisher& publisher, TimePoint until);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Publisher& publisher_;
  };

  void on_event(const Event& event) override;
  void on_lost(const std::string& /*why*/) noexcept override {}
  TimePoint chores(TimePoint /*now*/) override { return TimePoint::max(); }

  Connection& connected(TimePoint until);
  void drop_connection();
  void abandon(const sdk::Error& why);
  void publish_locked(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until);
  void publish_in_turn(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until);
  [[nodiscard]] const Outgoing* first_waiting() const;
  [[nodiscard]] bool level_gone(const sdk::Error& e) const;
  bool learn_limit(const sdk::Error& e);
  [[nodiscard]] std::string level_of(const Outgoing& item) const;  // of the cascade, the first
  [[nodiscard]] std::string target(const Outgoing& item, std::string_view address) const;
  void leave_out_away(std::span<Outgoing> items) const;
  static bool refused(std::span<const Outgoing> items);
  void explain_refused(std::span<Outgoing> items, TimePoint until) const;
  [[nodiscard]] bool held_up() const;
  void doubt_silent();
  void ensure_parts(std::span<const Part> parts, TimePoint until);
  void ensure_ways(std::span<const Outgoing> items, TimePoint until);
  void make_anew(std::span<Outgoing> items, TimePoint until);
  void wait_unblocked(WhenBlocked when_blocked, TimePoint until);
  void send_all(std::span<Outgoing> items, WhenBlocked when_blocked, TimePoint until);
  void encode_to_fit(const Outgoing& item);
  void send(Outgoing& item, WhenBlocked when_blocked, TimePoint until);
  void flush(WhenBlocked when_blocked, TimePoint until);
  void await_results(WhenBlocked when_blocked, TimePoint until);
  void register_name(std::string_view queue, TimePoint until);
  bool say(const std::string& exchange, const std::string& key, std::string_view text,
           TimePoint until);
  void decide(const Event& event);
  void note_returned(const Event& event);
  void forget_items();

  Instance& instance_;
  const std::string what_;
  std::mutex mutex_;  // guards the next two
  std::condition_variable idle_;
  bool busy_ = false;
  // All below by one Call at a time.
  std::unique_ptr<Connection> connection_;
  TimePoint full_until_{};
  // All below in turn of the connection.
  Builder builder_;
  std::string queue_, address_;  // of the last that was sent
  std::string payload_;
  std::string_view saying_;
  std::size_t max_size_ = SIZE_MAX;  // of a message, as far as the server has told
  std::optional<sdk::Error> limit_error_;
  std::size_t surely_taken_ = 0;  // or refused with nothing before it in doubt
  bool unheard_ = false;
  std::string blocked_;                // why; empty: it is not
  std::deque<Outgoing*> unconfirmed_;  // null: nobody waits for that one any more
  std::uint64_t first_ = 1;            // the number of the first of them
  std::size_t undecided_ = 0;
  std::vector<Part> overdue_;  // where to what nobody waits for any more was sent
};

}  // namespace gander::rabbitmq
