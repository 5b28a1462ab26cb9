#include "connection.h"
#include "error.h"

namespace gander::postgres {
namespace {

constexpr int kBinary = 1;

// Behind a pooler a setting lives as long as one transaction, so it travels with each.
std::string local_settings(const Settings& s, const std::string& synchronous_commit) {
  std::string sql = "SELECT ";
  const auto set = [&](const char* name, const std::string& value) {
    sql += std::string("pg_catalog.set_config('") + name + "', '" + value + "', true), ";
  };
  for (const char* name : {"enable_seqscan", "enable_bitmapscan", "enable_sort", "jit"})
    set(name, "off");
  if (!synchronous_commit.empty()) set("synchronous_commit", synchronous_commit);
  if (s.statement_timeout_ms > 0) set("statement_timeout", std::to_string(s.statement_timeout_ms));
  return sql + "1";
}

}  // namespace

Trip::Trip(Connection& connection, const sdk::Deadline& deadline)
    : connection_(connection), deadline_(deadline) {
  connection_.require_alive();
  if (deadline_.passed())
    throw sdk::Error(GANDER_TIMEOUT, connection_.where() + ": the time of the call was over",
                     GANDER_ERROR_RETRYABLE);
  if (!connection_.pooled()) return;
  const Settings& s = connection_.settings();
  const std::string& commit =
      connection_.use_ == Use::claim ? s.claim_synchronous_commit : s.synchronous_commit;
  sent(PQsendQueryParams(connection_.handle(), local_settings(s, commit).c_str(), 0, nullptr,
                         nullptr, nullptr, nullptr, kBinary),
       Step::parse, nullptr);
}

Trip::~Trip() {
  if (!done_) connection_.usable_ = false;
}

void Trip::sent(int ok, Step step, Statement* statement) {
  if (ok != 1) give_up(false);
  sent_.push_back({step, statement});
}

void Trip::add(Statement& statement, const Params& p) {
  PGconn* c = connection_.handle();
  if (connection_.pooled()) return add(statement.sql_, p);
  if (!statement.prepared_)
    sent(PQsendPrepare(c, statement.name_.c_str(), statement.sql_.c_str(), 0, nullptr), Step::parse,
         &statement);
  sent(PQsendQueryPrepared(c, statement.name_.c_str(), p.count(), p.values(), p.lengths(),
                           p.formats(), kBinary),
       Step::result, nullptr);
}

void Trip::add(const std::string& sql, const Params& p) {
  sent(PQsendQueryParams(connection_.handle(), sql.c_str(), p.count(), nullptr, p.values(),
                         p.lengths(), p.formats(), kBinary),
       Step::result, nullptr);
}

std::vector<Result> Trip::finish() {
  start();
  return rest();
}

std::vector<Result> Trip::rest() {
  while (!arrived()) {
    if (!connection_.wait_socket(false, deadline_.at())) give_up(true);
    if (PQconsumeInput(connection_.handle()) != 1) give_up(false);
  }
  return results();
}

void Trip::start() {
  if (PQpipelineSync(connection_.handle()) != 1) give_up(false);
  flush();
}

// Behind the last result stands the end of the transaction, which may itself have been refused.
bool Trip::arrived() {
  PGconn* c = connection_.handle();
  while (!done_ && PQisBusy(c) == 0) {
    PGresult* result = PQgetResult(c);
    if (PQstatus(c) == CONNECTION_BAD) {
      PQclear(result);
      give_up(false);
    }
    if (result == nullptr) {
      if (at_ < sent_.size()) ++at_;
      continue;
    }
    done_ = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    keep(result, at_ < sent_.size() ? sent_[at_] : Sent{Step::parse, nullptr});
  }
  return done_;
}

std::vector<Result> Trip::results() {
  if (refused_) throw *refused_;
  return std::move(results_);
}

// Reading goes on while writing, as the server may wait for us to take its answers.
void Trip::flush() {
  for (;;) {
    const int left = PQflush(connection_.handle());
    if (left < 0) give_up(false);
    if (left == 0) break;
    if (!connection_.wait_socket(true, deadline_.at())) give_up(true);
    if (PQconsumeInput(connection_.handle()) != 1) give_up(false);
  }
  asked_ = true;
}

void Trip::keep(PGresult* raw, const Sent& of) {
  Result result(raw);
  switch (PQresultStatus(raw)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      if (of.statement != nullptr) of.statement->prepared_ = true;
      if (of.step == Step::result) results_.push_back(std::move(result));
      return;
    case PGRES_FATAL_ERROR:
      if (!refused_) refused_ = error_of(raw, connection_.where());
      return;
    default: return;  // skipped after an error, or the end of the transaction
  }
}

// The server's answer is not waited for: its statement ends by client_connection_check_interval, or
// by statement_timeout. PQcancel() would connect anew without a limit, on a network that may be why
// there is no answer.
void Trip::give_up(bool late) {
  done_ = true;
  connection_.usable_ = false;
  const std::string said = PQerrorMessage(connection_.handle());
  const bool had_answer = refused_ && (refused_->flags() & GANDER_ERROR_RECONNECT) != 0;
  const sdk::Error error =
      late ? late_error(connection_.where(), asked_)
           : lost_error(had_answer ? refused_->what() : said, connection_.where(), asked_);
  connection_.handle_.reset();
  throw error;
}

}  // namespace gander::postgres
