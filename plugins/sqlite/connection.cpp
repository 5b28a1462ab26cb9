#include "connection.h"

#include <time.h>

namespace gander::sqlite {

using Clock = std::chrono::steady_clock;

bool Rows::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) connection_->fail(result, "read");
  return false;
}

Statement::Statement(Connection& connection, std::string_view sql, Step step)
    : connection_(&connection), step_(step) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  handle_.reset(statement);
  if (result != SQLITE_OK) connection.fail(result, "prepare");
}

void Statement::check(int result) {
  if (result != SQLITE_OK) connection_->fail(result, "bind");
}

int Statement::finish() {
  int result = sqlite3_step(handle_.get());
  while (result == SQLITE_ROW) result = sqlite3_step(handle_.get());
  if (result != SQLITE_DONE) {
    // The error is read before the reset, and the statement is fit for its next use after it.
    const sdk::Error error =
        error_of(connection_->handle(), result, connection_->path(), "write", step_);
    sqlite3_reset(handle_.get());
    if ((result & 0xFF) == SQLITE_BUSY) connection_->fail_busy("write");
    throw error;
  }
  sqlite3_reset(handle_.get());
  return sqlite3_changes(connection_->handle());
}

Connection::Connection(const std::string& path, std::int64_t busy_timeout_ms)
    : path_(path),
      busy_timeout_(busy_timeout_ms),
      give_up_at_(Clock::now() + busy_timeout_),
      jitter_(reinterpret_cast<std::uintptr_t>(this) | 1U) {
  sqlite3* db = nullptr;
  // NOMUTEX: calls on one connection are serialised by the host and by the gate.
  const int result = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(db);
  if (result != SQLITE_OK) fail(result, "open");
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_handler(db, &Connection::on_busy, this);
}

void Connection::begin_call(const sdk::Deadline& deadline) {
  give_up_at_ = Clock::now() + busy_timeout_;
  call_bounds_ = deadline.at() && *deadline.at() <= give_up_at_;
  if (call_bounds_) give_up_at_ = *deadline.at();
}

int Connection::on_busy(void* self, int tries) {
  auto& c = *static_cast<Connection*>(self);
  const auto now = Clock::now();
  if (now >= c.give_up_at_) return 0;
  // xorshift: writers that met once must not meet again in step.
  c.jitter_ ^= c.jitter_ << 13;
  c.jitter_ ^= c.jitter_ >> 7;
  c.jitter_ ^= c.jitter_ << 17;
  const std::int64_t ceiling_us = std::min<std::int64_t>(2000, 200LL << std::min(tries, 4));
  auto sleep = std::chrono::microseconds(
      200 + static_cast<std::int64_t>(c.jitter_ % static_cast<std::uint64_t>(ceiling_us)));
  sleep = std::min(sleep, std::chrono::ceil<std::chrono::microseconds>(c.give_up_at_ - now));
  const timespec pause{0, static_cast<long>(sleep.count() * 1000)};
  nanosleep(&pause, nullptr);
  return 1;
}

void Connection::fail_busy(const std::string& doing) const {
  const std::string who = path_ + ": " + doing + ": another process holds the write lock; ";
  if (call_bounds_)
    throw sdk::Error(GANDER_TIMEOUT, who + "allow the call more time", GANDER_ERROR_RETRYABLE,
                     SQLITE_BUSY, "SQLITE_BUSY");
  throw sdk::Error(GANDER_UNAVAILABLE, who + "try again, or raise busy_timeout_ms",
                   GANDER_ERROR_RETRYABLE, SQLITE_BUSY, "SQLITE_BUSY");
}

void Connection::exec(const std::string& sql) {
  const int result = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result, sql.substr(0, sql.find('\n')));
}

std::int64_t Connection::pragma(const std::string& name) {
  Statement statement(*this, "PRAGMA " + name);
  Rows rows = statement.query();
  return rows.next() ? rows.integer(0) : 0;
}

void Connection::fail(int result, const std::string& doing, Step step) const {
  if ((result & 0xFF) == SQLITE_BUSY) fail_busy(doing);
  throw error_of(handle(), result, path_, doing, step);
}

Transaction::Transaction(Connection& connection, Gate& gate)
    : connection_(connection), gate_(gate) {
  if (!connection.begin_) {
    connection.begin_ = std::make_unique<Statement>(connection, "BEGIN IMMEDIATE");
    connection.commit_ = std::make_unique<Statement>(connection, "COMMIT", Step::commit);
    connection.rollback_ = std::make_unique<Statement>(connection, "ROLLBACK");
  }
  if (!gate.enter(connection.give_up_at())) connection.fail_busy("begin");
  try {
    connection.begin_->run();
    open_ = true;
  } catch (...) {
    gate.leave();
    throw;
  }
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    // A full disk has rolled back by itself already.
    if (sqlite3_get_autocommit(connection_.handle()) == 0) connection_.rollback_->run();
  } catch (const sdk::Error&) {
    // The next BEGIN says what is wrong; nothing of this transaction was committed.
  }
  gate_.leave();
}

void Transaction::commit() {
  connection_.commit_->run();
  open_ = false;
  gate_.leave();
}

}  // namespace gander::sqlite
