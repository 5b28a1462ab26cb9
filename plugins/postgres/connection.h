// RAII over libpq: a connection that never blocks longer than the call allows, its statements, and
// a trip of several of them to the server and back.
//
// One thread at a time may use a connection and what was made from it. Every failure is thrown as
// an sdk::Error that names server and database. After one with RECONNECT the connection is of no
// use any more.
#pragma once

#include <libpq-fe.h>

#include <gander/sdk/broker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "binary.h"
#include "settings.h"

namespace gander::postgres {

class Connection;

// Prepared at its first use, in the same trip; behind a pooler it is sent whole every time.
class Statement {
 public:
  // `@` in the SQL stands for the schema, quoted and with a dot behind it.
  Statement(Connection& connection, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

 private:
  friend class Trip;
  std::string name_;
  std::string sql_;
  bool prepared_ = false;
};

// What a connection is for decides which settings of the server it has.
enum class Use { produce, claim, cold };

class Connection {
 public:
  // Connects, and looks whether the server is new enough.
  Connection(const Settings& settings, Use use, const sdk::Deadline& deadline);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One statement, a trip of its own.
  Result run(Statement& statement, const sdk::Deadline& deadline, const Params& params = {});
  // A statement that is used once, in text.
  Result run(const std::string& sql, const sdk::Deadline& deadline, const Params& params = {});

  // The next call on it says that it must be opened anew.
  void give_up() noexcept { usable_ = false; }

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::string& where() const { return settings_.where; }
  [[nodiscard]] int version() const { return PQserverVersion(handle_.get()); }
  [[nodiscard]] PGconn* handle() const { return handle_.get(); }
  [[nodiscard]] bool pooled() const { return settings_.pooler; }
  [[nodiscard]] std::string expanded(std::string_view sql) const;

 private:
  friend class Statement;
  friend class Trip;
  struct Finish {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  using Time = std::optional<std::chrono::steady_clock::time_point>;

  void connect(const sdk::Deadline& deadline);
  void connect_to(const Settings::Words& host, std::chrono::steady_clock::time_point until,
                  const sdk::Deadline& deadline);
  void configure(const sdk::Deadline& deadline);
  void require_alive();
  // False when the time is over. Waits for the server to take or to send something.
  bool wait_socket(bool writing, const Time& until);

  const Settings& settings_;
  Use use_;
  std::unique_ptr<PGconn, Finish> handle_;
  int statements_ = 0;
  bool usable_ = true;
};

// Statements sent together: one round trip and one transaction, applied whole or not at all. It
// must be finished; when an exception comes between, the connection is given up.
class Trip {
 public:
  Trip(Connection& connection, const sdk::Deadline& deadline);
  Trip(const Trip&) = delete;
  Trip& operator=(const Trip&) = delete;
  ~Trip();

  void add(Statement& statement, const Params& params);
  void add(const std::string& sql, const Params& params = {});
  // One result for each that was added, in that order.
  std::vector<Result> finish();

  // The same in parts, for who has more to wait for: start() sends, arrived() looks without waiting
  // whether all answers are there of what the connection has read, results() gives them; rest()
  // waits for them after all.
  void start();
  bool arrived();
  std::vector<Result> results();
  std::vector<Result> rest();

 private:
  enum class Step { parse, result };
  struct Sent {
    Step step;
    Statement* statement;
  };

  void sent(int ok, Step step, Statement* statement);
  void flush();
  void keep(PGresult* result, const Sent& of);
  [[noreturn]] void give_up(bool late);

  Connection& connection_;
  const sdk::Deadline& deadline_;
  std::vector<Sent> sent_;
  std::size_t at_ = 0;  // whose results come next
  std::vector<Result> results_;
  std::optional<sdk::Error> refused_;
  bool asked_ = false;  // all of it is with the kernel
  bool done_ = false;
};

}  // namespace gander::postgres
