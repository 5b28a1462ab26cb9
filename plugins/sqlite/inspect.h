// inspect/1: look without touching. Rows are copied page by page before they are shown, so that a
// slow reader never keeps the write-ahead log from being emptied.
#pragma once

#include "rows.h"

namespace gander::sqlite {

class Inspector {
 public:
  Inspector(Connection& connection, Queues& queues);

  void queues(const sdk::QueueVisitor& visit);
  void messages(std::string_view queue, std::uint32_t state, std::string_view after,
                std::uint32_t limit, const sdk::MessageVisitor& visit);
  void get(const gander_id& id, const sdk::MessageVisitor& visit);

 private:
  struct Copy {
    gander_message message;
    std::string queue, note, body, cursor;
  };

  std::vector<Copy> page(std::string_view queue, std::uint32_t state, const std::string& after,
                         std::int64_t size);
  Copy copy(const Rows& rows, std::uint32_t state);
  static bool show(const Copy& copy, const sdk::MessageVisitor& visit);

  Connection& connection_;
  Queues& queues_;
};

}  // namespace gander::sqlite
