// RAII over sqlite3: a connection, its prepared statements, the rows they give, a write
// transaction.
//
// One thread at a time may use a connection and what was made from it. Every failure is thrown as
// an sdk::Error that names the file. Text and blobs are bound without a copy: they must live until
// the statement was reset, which run() and ~Rows do.
#pragma once

#include <sqlite3.h>

#include <gander/sdk/broker.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "error.h"
#include "gate.h"

namespace gander::sqlite {

class Connection;

struct Blob {
  const void* ptr;
  std::size_t len;
};
inline Blob blob(const gander_id& id) { return {id.bytes, sizeof id.bytes}; }
inline Blob blob(gander_bytes b) { return {b.ptr, b.len}; }

// The rows of a statement that runs; the statement is reset when this goes.
class Rows {
 public:
  explicit Rows(Connection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { sqlite3_reset(statement_); }

  bool next();
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::uint32_t small(int column) const {
    return static_cast<std::uint32_t>(sqlite3_column_int64(statement_, column));
  }
  [[nodiscard]] bool null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  // Valid until next() or the end of the rows.
  [[nodiscard]] std::string_view text(int column) const {
    const void* ptr = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(ptr),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  Connection* connection_;
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement(Connection& connection, std::string_view sql, Step step = Step::other);

  // Binds ?1, ?2, ... and runs to the end; returns how many rows changed.
  template <class... Values>
  int run(const Values&... values) {
    bind_all(values...);
    return finish();
  }
  template <class... Values>
  [[nodiscard]] Rows query(const Values&... values) {
    bind_all(values...);
    return Rows(*connection_, handle_.get());
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };

  template <class... Values>
  void bind_all(const Values&... values) {
    int column = 0;
    (bind(++column, values), ...);
  }
  void bind(int at, std::int64_t value) { check(sqlite3_bind_int64(handle_.get(), at, value)); }
  void bind(int at, std::uint32_t value) { bind(at, std::int64_t{value}); }
  void bind(int at, int value) { bind(at, std::int64_t{value}); }
  void bind(int at, std::nullptr_t) { check(sqlite3_bind_null(handle_.get(), at)); }
  void bind(int at, std::string_view text) {
    check(sqlite3_bind_text64(handle_.get(), at, text.empty() ? "" : text.data(), text.size(),
                              SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int at, Blob b) {
    check(sqlite3_bind_blob64(handle_.get(), at, b.len == 0 ? "" : b.ptr, b.len, SQLITE_STATIC));
  }
  void check(int result);
  int finish();

  Connection* connection_;
  Step step_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Connection {
 public:
  // Opens or creates the file, readable and writable, with a busy handler of short, jittered
  // sleeps.
  Connection(const std::string& path, std::int64_t busy_timeout_ms);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From here on a lock is waited for until `deadline`, and never longer than busy_timeout_ms.
  void begin_call(const sdk::Deadline& deadline);
  [[nodiscard]] std::chrono::steady_clock::time_point give_up_at() const { return give_up_at_; }
  // A lock was not had by give_up_at(): TIMEOUT if the call asked for that, else UNAVAILABLE.
  [[noreturn]] void fail_busy(const std::string& doing) const;

  void exec(const std::string& sql);
  [[nodiscard]] std::int64_t pragma(const std::string& name);  // the number that it answers
  [[noreturn]] void fail(int result, const std::string& doing, Step step = Step::other) const;

  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };

  static int on_busy(void* self, int tries);

  std::string path_;
  std::chrono::milliseconds busy_timeout_;
  std::chrono::steady_clock::time_point give_up_at_;
  bool call_bounds_ = false;
  std::uint64_t jitter_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<Statement> begin_, commit_, rollback_;
};

// BEGIN IMMEDIATE, always: a read lock that wants to become a write lock fails at once when
// somebody else wrote meanwhile, and no busy handler is asked. Rolled back unless committed.
class Transaction {
 public:
  Transaction(Connection& connection, Gate& gate);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
  Gate& gate_;
  bool open_ = false;
};

}  // namespace gander::sqlite
