// manage/1: what an operator does to dead letters, the pause of a queue, and a purge of all that is
// ready in it. A dead letter that moves is stored where it goes before it is dropped where it was.
#pragma once

#include <gander/sdk/broker.hpp>

#include "browse.h"
#include "dead.h"

namespace gander::rabbitmq {

class Manager {
 public:
  Manager(Instance& instance, Browser& browser, Publisher& publisher)
      : instance_(instance), browser_(browser), publisher_(publisher) {}

  // Returns when no worker takes from it any more. Throws TIMEOUT when one still does then; it is
  // paused all the same.
  void pause(std::string_view queue, bool paused, const sdk::Deadline& deadline);
  // Of an id that is not among the dead the verdict is UNSUPPORTED.
  void move(const gander_move_req& request, sdk::Verdicts verdicts, const sdk::Deadline& deadline);
  void remove(std::span<const gander_id> ids, sdk::Verdicts verdicts,
              const sdk::Deadline& deadline);
  // Throws PartlyDone with the number so far when the deadline passes.
  std::uint64_t purge(std::string_view queue, std::uint32_t state, std::int64_t before_us,
                      const sdk::Deadline& deadline);

 private:
  struct Chosen {
    std::uint64_t tag;
    std::size_t place;  // of its verdict
    sdk::OwnedMessage message;
  };
  std::vector<Chosen> choose(std::span<const gander_id> ids, sdk::Verdicts verdicts, Visit& visit);
  void make_successor(gander_message& m, const gander_move_req& request) const;
  void purge_ready(Visit& visit, std::string_view queue, std::uint64_t& done);
  void purge_dead(Visit& visit, std::string_view queue, std::int64_t before_us,
                  std::uint64_t& done);

  Instance& instance_;
  Browser& browser_;
  Publisher& publisher_;
};

}  // namespace gander::rabbitmq
