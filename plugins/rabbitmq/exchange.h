// What a CONSUME session does: an incarnation is a connection. The server takes back what it holds
// when the connection ends, however it ends.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "lease.h"
#include "publisher.h"
#include "subscription.h"

namespace gander::rabbitmq {

// The tag of the consumer that hears what operators tell; others are numbers.
inline constexpr std::string_view kOperators = "operators";

class Consumer final : public Connection::Listener {
 public:
  Consumer(Instance& instance, std::string_view incarnation, const sdk::Deadline& deadline);
  // What is still held goes back, unharmed.
  ~Consumer() override;

  sdk::Taken exchange(const sdk::Exchange& exchange, const sdk::Deadline& deadline);

 private:
  void take_in_turn(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until);
  void wake_for_chores();
  void on_event(const Event& event) override;
  void on_lost(const std::string& why) noexcept override;
  TimePoint chores(TimePoint now) override;
  Level* level_of(std::string_view tag, std::uint64_t& number) const;
  void delivered(const Event& event);
  void warn_of_long_job();
  void cancelled(std::string_view tag);
  void require_held(TimePoint until);

  // pause.cpp
  void begin_taking(Subscription& s, TimePoint until);
  void end_taking(Subscription& s, TimePoint until);
  void told(std::string_view queue);
  void look_up_state(Subscription& s, TimePoint until);
  bool is_paused(Subscription& s, TimePoint until);

  // settle.cpp
  struct Moves {
    std::vector<Outgoing> items;
    std::vector<std::uint64_t> tags;    // one for each
    std::vector<std::size_t> verdicts;  // the same
  };
  std::optional<sdk::Error> settle(const sdk::Exchange& exchange, TimePoint until);
  std::size_t look_up(const sdk::Exchange& exchange, Moves& moves, TimePoint until);
  Outgoing successor(const gander_settle& settle) const;
  Lease* held(const gander_message& message);
  void finish(std::uint64_t tag);
  std::unique_ptr<Connection::Turn> surely_in_turn();
  std::size_t finish_moved(Moves& moves);

  // take.cpp
  void take(const sdk::Exchange& exchange, sdk::Taken& taken, TimePoint until);
  void gather(sdk::Takes takes, TimePoint until);
  std::vector<std::string> missing_queues(sdk::Takes takes);
  void take_each(const sdk::Exchange& exchange, sdk::Batch& batch, TimePoint until);
  void await_refill(Level& level, TimePoint until);
  void ring_for_waiting(sdk::Takes takes);
  void note_oldest(Subscription& s);
  bool to_be_pushed(const Subscription& s, TimePoint until);
  bool await_pushes(sdk::Takes takes, TimePoint until);
  std::size_t take_from(Level& level, std::size_t most, std::uint64_t max_bytes, sdk::Batch& batch);
  bool fits(const Level& level, std::uint64_t max_bytes, const sdk::Batch& batch);
  Subscription& subscription(std::string_view queue);

  // fetch.cpp
  void fetch(Level& level, std::size_t missing, std::size_t room, TimePoint until);
  void begin(Level& level, std::size_t prefetch, TimePoint until);
  void subscribe(Level& level, std::size_t prefetch, TimePoint until);
  void quiesce(const Level& level, TimePoint until);
  void cancel_all(Subscription& s, TimePoint until);
  template <class Call>
  void watched(const Level& level, const Call& call);
  [[nodiscard]] bool away(const Subscription& s) const;

  // suspects.cpp
  bool isolates(std::uint64_t tag, Lease& lease, std::int64_t returns);
  void collect_suspects(Moves& moves);
  static void go_back(Moves& moves, std::uint64_t tag, const Lease& lease);
  static Outgoing ready_again(const gander_message& message);

  // give_back.cpp
  void collect_idle(TimePoint now, TimePoint until);
  void return_idle(TimePoint until);
  void publish_and_listen(std::span<Outgoing> items, TimePoint until, bool in_turn);
  void finish_returning(TimePoint until);
  void finish_stored(const Moves& moves);
  void give_all_back(TimePoint until);
  TimePoint next_chores() const;

  Instance& instance_;
  const std::string incarnation_;
  const std::shared_ptr<Life> life_;
  const std::uint64_t serial_;  // in receipts: those of other sessions are strangers'
  Publisher publisher_;
  Moves returning_;  // of the listening thread alone
  // In turn of the connection.
  Ledger ledger_;
  std::map<std::string, std::unique_ptr<Subscription>, std::less<>> subscriptions_;
  std::vector<std::uint64_t> suspects_;  // tags of those that are to be moved
  std::set<std::string> doubtful_;       // queues whose consumer was cancelled while it held some
  TimePoint last_push_{};
  bool hears_operators_ = false;
  std::map<std::uint64_t, Level*> consumers_;  // by their numbers
  std::uint64_t last_consumer_ = 0;
  std::unique_ptr<Connection> connection_;  // last made, as it begins to call the rest
};

}  // namespace gander::rabbitmq
