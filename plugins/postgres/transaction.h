// A transaction of several trips: where a later statement depends on the answer to an earlier one.
#pragma once

#include <string>

#include "connection.h"

namespace gander::postgres {

// Rolled back unless committed.
class Transaction {
 public:
  Transaction(Connection& connection, const sdk::Deadline& deadline,
              const std::string& begin = "BEGIN")
      : connection_(connection), deadline_(deadline) {
    connection_.run(begin, deadline_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (done_) return;
    try {
      connection_.run("ROLLBACK", deadline_);
    } catch (const std::exception&) {
      // The session is of no use any more, and the server rolls back by itself.
      connection_.give_up();
    }
  }
  void commit() {
    connection_.run("COMMIT", deadline_);
    done_ = true;
  }

 private:
  Connection& connection_;
  const sdk::Deadline& deadline_;
  bool done_ = false;
};

}  // namespace gander::postgres
