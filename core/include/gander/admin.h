// gander/admin.h -- look into a broker and set things right: what `gander queues`, `jobs` and
// `dead` are made of.
//
// Thread-safe. Throws Error(unsupported) naming broker and capability where the broker cannot,
// Error(unavailable) where it is away.
#pragma once

#include <gander/broker.h>
#include <gander/id.h>

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace gander {

enum class State { ready = 1, scheduled = 2, leased = 3, retry = 4, dead = 5 };
std::string_view to_string(State) noexcept;
std::optional<State> state_from(std::string_view) noexcept;

struct QueueStat {
  std::string name;
  bool paused = false;
  std::int64_t ready = 0, scheduled = 0, leased = 0, retry = 0, dead = 0;  // -1: cannot be told
  std::chrono::system_clock::time_point oldest_ready{};
};

struct MessageView {
  Id id;
  State state = State::ready;
  std::string queue, job, args;  // args: a JSON array
  std::string note;              // why it last failed, died or is parked
  std::string body;              // as stored
  int payload_version = 1;
  std::uint32_t attempts = 0, crashes = 0, give_backs = 0, priority = 1;
  std::chrono::system_clock::time_point enqueued_at{}, run_at{}, first_failed_at{}, failed_at{};
  std::string cursor;  // to go on from
};

// Versions of a broker's tables; 0: there were none.
struct Migration {
  std::uint32_t from_version = 0, to_version = 0;
};

struct HealthItem {
  std::string level, name, value, advice;
};

class Admin {
 public:
  explicit Admin(const Broker& broker,
                 std::chrono::milliseconds deadline = std::chrono::seconds(5));
  ~Admin();
  Admin(Admin&&) noexcept;
  Admin& operator=(Admin&&) = delete;

  std::vector<QueueStat> queues();
  // At most `limit`, from behind `after` (a cursor, or empty). Queue empty: all.
  std::vector<MessageView> list(State state, std::string_view queue = {},
                                std::string_view after = {}, std::uint32_t limit = 100);
  // Every message of a state whose job name or id matches `pattern` (* and ?, empty: all); stops
  // when false returns.
  void each(State state, std::string_view queue, std::string_view pattern,
            const std::function<bool(const MessageView&)>& visitor);
  std::optional<MessageView> get(const Id& id);

  // These return how many it was done to; a leased message belongs to its worker and is left alone.
  // Error(unsupported), and its text says for how many, where the broker cannot do it to one of
  // these ids (a queue server finds only dead letters by id); to the others it is done.
  std::uint64_t retry_now(const std::vector<Id>& ids);  // now, at the front if there is one
  std::uint64_t replay(const std::vector<Id>& ids);     // the same, counters at 0: for the dead
  std::uint64_t move(const std::vector<Id>& ids, std::string_view to_queue);
  std::uint64_t kill(const std::vector<Id>& ids, std::string_view why);  // to the dead letters
  std::uint64_t remove(const std::vector<Id>& ids);
  std::uint64_t purge(State state, std::string_view queue = {},
                      std::optional<std::chrono::system_clock::time_point> before = {});
  void pause(std::string_view queue, bool paused);

  std::chrono::microseconds ping();
  std::vector<HealthItem> health();

  // Hands on at once what an incarnation held whose process is known to be dead; returns how many.
  // Throws Error(unsupported) where it comes by itself.
  std::uint64_t reclaim(std::string_view incarnation);

  // What migrate() would do now, in the words of the server's own client; empty: nothing.
  std::string migration_script();
  // Creates the tables or brings them up to date. Throws Error(unsupported) where there are none.
  Migration migrate();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gander
