// inspect/1: look without touching. Nothing here holds up the server: long lists are read in pages.
#pragma once

#include <utility>

#include "place.h"

namespace gander::redis {

class Inspector {
 public:
  Inspector(Instance& instance, Connection& connection)
      : instance_(instance), connection_(connection), finder_(instance, connection) {}

  void queues(const sdk::QueueVisitor& visit);
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit);
  void get(const gander_id& id, const sdk::MessageVisitor& visit);

 private:
  // What is shown of one message: its bytes, and the cursor that goes on behind it.
  struct Item {
    std::string bytes, cursor;
  };
  using Show = std::function<bool(const Item&)>;  // false stops
  // One of a set by time.
  struct Timed {
    std::int64_t time;
    std::string id, queue;
  };

  void count_leased(std::map<std::string, std::int64_t>& counts);
  std::vector<std::string> names_of(std::string_view queue);

  void list_ready(const std::vector<std::string>& names, std::string_view after, const Show& show);
  std::pair<std::string, std::string> list_order(const std::string& list) const;
  bool list_one(const std::string& list, std::int64_t place, const Show& show);
  Reply read_places(const std::string& list, std::int64_t from, std::int64_t count);
  std::int64_t place_behind(const std::string& list, std::int64_t place, const std::string& id);

  void list_held(std::string_view after, const Show& show);

  void list_timed(const std::vector<std::string>& names, std::uint32_t state,
                  std::string_view after, const Show& show);
  void read_timed(const std::string& name, std::uint32_t state, bool from_cursor, std::int64_t time,
                  const std::string& id, std::vector<Timed>& page);
  static std::int64_t time_of_score(std::string_view score);

  Instance& instance_;
  Connection& connection_;
  Finder finder_;
};

}  // namespace gander::redis
