// An operator's side of removal.h: asks whoever owns the partitions, and waits for the answers. Of
// a group without members, or of partitions that nobody in it takes from, nobody would answer: then
// it is settled here, or by any member. For one thread at a time.
#pragma once

#include <optional>
#include <vector>

#include "instance.h"
#include "log.h"
#include "removal.h"

namespace gander::kafka {

class Asker {
 public:
  Asker(Instance& instance, Log& log, Transactions& transactions)
      : instance_(instance),
        log_(log),
        transactions_(transactions),
        alone_(instance.settings, instance.host, instance.settings.prefix + ".admin.alone") {}

  // What became of each, in their order. Throws TIMEOUT when not all are answered by the deadline,
  // any error with MAYBE_APPLIED once one was asked for, and UNAVAILABLE when there was no room for
  // one of them.
  std::vector<Removed> ask(const std::vector<Removal>& removals, const sdk::Deadline& deadline);
  // A record of this key was written to <prefix>.state at `from` or behind. Waits until everybody
  // can read it, and every worker has; how many workers have not by the deadline, or when a call
  // has waited as long as the options let it.
  std::size_t await_readers(std::string_view key, std::int64_t from, const sdk::Deadline& deadline);
  // Of those that the last ask() was about, what is known, also when it threw.
  using Answers = std::vector<std::optional<Removed>>;
  [[nodiscard]] const Answers& answers() const { return answers_; }

 private:
  struct Asked {
    Request request;
    std::vector<std::size_t> places;
  };

  [[nodiscard]] sdk::Error unanswered() const;
  bool settle_here(const std::vector<Removal>& removals, const sdk::Deadline& deadline);
  bool settle_alone(const std::vector<Removal>& removals, const sdk::Deadline& deadline);
  void write(const Group& group, const std::vector<Removal>& removals,
             const sdk::Deadline& deadline);
  void listen(const sdk::Deadline& deadline);
  void hear_answers(const sdk::Deadline& deadline);
  bool await_shown(std::string_view key, const sdk::Deadline& deadline);
  void ask_whether_read(const Group& group, const sdk::Deadline& deadline);
  // What has been written to <prefix>.state since.
  void read_on(const Log::Visitor& visit, const sdk::Deadline& deadline);
  using Heard = std::function<void(const Asked&, std::vector<Removed>)>;
  void hear(const Heard& heard, const sdk::Deadline& deadline);
  void forget() noexcept;

  Instance& instance_;
  Log& log_;
  Transactions& transactions_;
  Transactions alone_;  // by an id that all operators of the prefix have
  std::vector<Asked> asked_;
  Answers answers_;
  std::int64_t position_ = 0;  // in <prefix>.state
};

}  // namespace gander::kafka
