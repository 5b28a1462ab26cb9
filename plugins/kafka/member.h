// This process as a member of the group: its consumer, the thread that serves it, what it owns.
//
// A partition belongs to one member, so its records do, until the cluster has not heard of that
// member for lease_ms. All CONSUME sessions of an instance share the membership and the stock. Its
// thread fetches, answers rebalances, and commits; taking and settling happen in the callers'
// threads under mutex(). [any]
#pragma once

#include <atomic>
#include <condition_variable>
#include <gander/sdk/doorbell.hpp>
#include <gander/sdk/leases.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

#include "due.h"
#include "name.h"
#include "removal.h"
#include "stock.h"
#include "topics.h"
#include "transaction.h"

namespace gander::kafka {

class Member {
 public:
  Member(const Settings& settings, sdk::Host host, Topics& topics, sdk::Doorbell& bell, Name& name,
         sdk::Queues queues, const sdk::Deadline& deadline);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  // Leaves the group in order: what was handed out counts no crash.
  ~Member();

  std::mutex& mutex() { return mutex_; }
  Stock& stock() { return stock_; }  // guarded by mutex(), as the next
  Due& due() { return due_; }

  // When the next message of a queue falls due, 0: none. What falls due sooner rings. Under
  // mutex().
  std::int64_t tell_due(std::string_view queue);

  // Reads the topics of these queues from now on.
  void need(sdk::Queues queues, const sdk::Deadline& deadline);
  // There is room again: read on.
  void wake();
  // Waits for what is on its way: until one of the queues has something, or all that there was has
  // come. Not for work: with nothing in the log it returns at once.
  void wait_fetched(sdk::Takes takes, const sdk::Deadline& deadline);
  // What was written just now shall count as on its way.
  void look_for_ends();
  // Whether anything may be handed out: not before it is known which queues are paused, nor while
  // partitions are about to go, nor while the cluster cannot be told what is done, as all that
  // would run again if this process died. Under mutex().
  [[nodiscard]] bool hands_out() const {
    return state_read_ && !handing_over_ && !commit_owed_ && !commits_late();
  }
  // Another process has joined by our name: nothing that was handed out is ours, nothing will be.
  [[nodiscard]] bool replaced() const { return replaced_; }
  // Throws FORBIDDEN while the group, or a topic that is to be read, is refused us.
  void require_rights();
  // Waits until the group has said what is ours. False: not by then. Throws as the one above.
  bool wait_joined(const sdk::Deadline& deadline);
  // Waits until partitions are assigned and what is to come is read up to its end of now.
  bool wait_read(const sdk::Deadline& deadline);

  // While this is held nothing is committed and no partition comes or goes. Taken before mutex().
  // Throws UNAVAILABLE when an answer is waited for until the deadline.
  [[nodiscard]] std::unique_lock<std::timed_mutex> hold_commits(const sdk::Deadline& deadline);
  // Successors, and the removal of what was settled, in one transaction. With commits held, and not
  // under mutex(). On an error nothing was settled, unless it says MAYBE_APPLIED.
  void write(const std::vector<Outgoing>& records, const std::vector<const Record*>& settled,
             const sdk::Deadline& deadline);
  // Makes due messages ready, at most so many, in one transaction; how many it were. 0: nothing is
  // due any more, or nothing that can be promoted now. Not under mutex().
  std::size_t promote(std::size_t most, const sdk::Deadline& deadline);
  // What the dead had handed out of partitions taken over since this was asked last.
  std::uint64_t reclaimed() { return reclaimed_.exchange(0); }
  // Whether trim_log() is to be called now: by one of all who tend.
  bool shall_trim();
  // Deletes from the log what lies before every committed base.
  void trim_log(const sdk::Deadline& deadline);
  // Commits what has changed; false: refused, or not to be had by the deadline.
  bool commit_now(const sdk::Deadline& deadline);
  // Nothing is handed out until the next commit has been answered: others are to know first what
  // it says. Under mutex().
  void owe_commit() { stock_.changed = commit_owed_ = true; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Queue {
    Owned<rd_kafka_queue_t> raw;
    std::string queue;
    std::uint32_t priority = 0;
  };

  // member.cpp
  void run();
  void subscribe();
  bool fetch();
  bool drain_all();
  Owned<rd_kafka_queue_t> new_queue();
  static void on_ready(rd_kafka_t* rk, void* opaque);

  // arrive.cpp
  bool drain(Queue& from);
  bool drain_control();
  void ring_for_sooner();
  bool arrive(const rd_kafka_message_t& message);
  bool is_cut_off(Partition& partition, const rd_kafka_message_t& message);
  void begin_anew_if_cut_off();
  void handle(rd_kafka_message_t* message);
  void arrive_control(const rd_kafka_message_t* message);
  void arrive_state(const rd_kafka_message_t* message);
  void read_state();
  void ring_all();

  // rights.cpp
  void note_rights(const rd_kafka_message_t& message);
  void tell_unread(const rd_kafka_message_t& message);
  void drop_refusals(const rd_kafka_topic_partition_list_t& owned);

  // await.cpp
  bool all_arrived(std::string_view queue);

  // rebalance.cpp
  static void on_rebalance(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* partitions, void* opaque);
  void assigned(rd_kafka_topic_partition_list_t* partitions);
  void revoked(rd_kafka_topic_partition_list_t* partitions);
  void give_up();
  void hand_over(std::unique_lock<std::timed_mutex>& commits);
  void note_id();
  [[nodiscard]] std::string id() const;
  bool asked_for(const rd_kafka_topic_partition_list_t& partitions);
  void park_all();
  bool read_committed(rd_kafka_topic_partition_list_t* partitions);
  bool read_ends(const rd_kafka_topic_partition_list_t& partitions);
  Offsets offsets_of(const rd_kafka_topic_partition_t& at);
  void take_over(rd_kafka_topic_partition_t& at);
  void add_state(rd_kafka_topic_partition_list_t& list);
  void forward(const rd_kafka_topic_partition_t& at);
  [[nodiscard]] const Queue* queue_of(std::string_view topic) const;
  void await_running();

  // leave.cpp
  void leave();
  void await_answer_to_join();
  void join_anew();
  void take_none();
  bool poll(int wait_ms);

  // promote.cpp
  struct Promotion {
    Due::Place from;
    std::string queue;
    Outgoing ready;
  };
  // What of a queue goes alone, as a transaction with it has failed.
  struct Suspect {
    std::size_t most = SIZE_MAX;  // so many at a time
    gander_status told = GANDER_OK;
    int silent = 0;  // how often in a row nothing was said of it
  };
  std::set<std::string, std::less<>> find_queues(const sdk::Deadline& deadline);
  bool can_take(const std::string& queue, const sdk::Deadline& deadline);
  bool is_of_the_queues(const sdk::Error& error, const sdk::Deadline& deadline);
  std::vector<Promotion> find_due(const std::set<std::string, std::less<>>& queues,
                                  std::size_t most);
  bool try_promote(std::vector<Promotion>& due, const sdk::Deadline& deadline);
  void write_promoted(std::vector<Promotion>& due, const sdk::Deadline& deadline);
  bool end_doubt(const sdk::Deadline& deadline);
  void narrow(const std::vector<Promotion>& due, const sdk::Error& error);
  void hold_back(const std::string& queue, const sdk::Error& error);

  // hand_on.cpp
  void hand_on_if_stuck();
  std::vector<std::int32_t> starving(const std::string& topic, int partitions);
  void find_stuck();
  void hand_on(const Queue& queue);

  // serve.cpp
  void arrive_request(std::string_view id, const rd_kafka_message_t& message);
  enum class Look { done, later, not_ours };
  bool serve_request();
  Look serve(const Request& request, const sdk::Deadline& deadline);
  void drop_removals();
  void confirm(const Request& request, const sdk::Deadline& deadline);
  Look serve_as_owner(const Request& request, const sdk::Deadline& deadline);
  Look remove_kept(const Removal& removal, Settlement& settlement, std::vector<Due::Place>& gone);
  void serve_for_nobody(const Request& request, const sdk::Deadline& deadline);
  enum class Written { yes, no, unknown };
  Written write_surely(const std::vector<Outgoing>& records,
                       const rd_kafka_topic_partition_list_t& commit,
                       const rd_kafka_consumer_group_metadata_t* fence,
                       const sdk::Deadline& deadline);

  // commit.cpp
  // No answer is waited for longer.
  static constexpr std::chrono::milliseconds kAnswerTime{2000};
  bool commit(bool leaving, bool draining = false, std::chrono::milliseconds most = kAnswerTime);
  bool answered(bool draining, std::chrono::milliseconds most = kAnswerTime);
  void tell_refused(rd_kafka_resp_err_t code);
  Owned<rd_kafka_event_t> answer(rd_kafka_queue_t* queue, bool draining,
                                 std::chrono::milliseconds most);
  void commit_if_due();
  void committed_all();
  [[nodiscard]] bool commits_late() const;
  Owned<rd_kafka_consumer_group_metadata_t> group() const;

  const Settings& settings_;
  sdk::Host host_;
  Topics& topics_;
  sdk::Doorbell& bell_;
  Name& name_;
  const std::string in_group_;  // what the group knows us by; empty: nobody in particular
  Client client_;
  const std::uint64_t token_;
  Transactions transactions_;

  std::mutex mutex_;
  std::condition_variable changed_;  // something was settled, read, or assigned
  Stock stock_;
  Due due_;
  bool asked_ = false;                 // to join the group
  bool to_subscribe_ = false;          // to what subscribed_ has that the group has not heard
  bool joined_ = false;                // it has said what is ours
  std::atomic<bool> joining_{false};   // it is to say so
  std::atomic<bool> refused_{false};   // and does not let us in
  bool handing_over_ = false;          // it is about to say so anew
  std::atomic<bool> replaced_{false};  // see replaced()
  bool join_anew_ = false;             // of the thread alone
  bool cut_off_ = false;  // a partition is, see begin_anew_if_cut_off(); of the thread alone
  std::map<std::string, sdk::Error, std::less<>> refusals_;         // by topic; "": of the group
  std::set<std::tuple<std::string, std::int32_t, int>> unread_;     // what tell_unread() has told
  std::set<std::string> subscribed_;                                // names of queues
  std::map<std::string, Clock::time_point, std::less<>> asked_at_;  // when each was last taken from
  std::map<std::string, std::int64_t, std::less<>> told_due_;       // what tell_due() said last
  bool state_read_ = false;  // so that nothing is handed out that is paused
  std::int64_t state_position_ = RD_KAFKA_OFFSET_BEGINNING;
  std::vector<std::unique_ptr<Queue>> queues_;
  Owned<rd_kafka_queue_t> control_, main_;

  std::timed_mutex
      commit_mutex_;  // held while an answer to a commit is waited for; taken before mutex_
  Owned<rd_kafka_queue_t> unanswered_;  // where the answer to a commit is to come, if it has not
  rd_kafka_resp_err_t refused_commit_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // the last answer
  bool commit_owed_ = false;                                         // see owe_commit()
  bool promoted_in_doubt_ = false;  // how one, or a removal, ended is not known
  std::map<std::string, Suspect, std::less<>> suspects_;  // by queue; under mutex_
  Clock::time_point committed_at_{};                      // under mutex_, as the next
  std::optional<Clock::time_point> uncommitted_since_;    // of what is done; none: all is committed
  bool uncommitted_ = false;                              // of the thread alone, as the next
  Clock::time_point looked_at_stuck_{};
  std::vector<const Queue*> stuck_;  // to be handed on; of the thread alone
  std::vector<Request> requests_;    // of the thread alone
  std::atomic<std::uint64_t> reclaimed_{0};
  Clock::time_point trimmed_at_{};  // under mutex_, as each incarnation has a keeper of its own

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool awake_ = false;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gander::kafka
