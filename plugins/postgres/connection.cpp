#include "connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>

#include "error.h"

namespace gander::postgres {

using Clock = std::chrono::steady_clock;

namespace {

constexpr int kWithClientCheck = 140000;

// The queue tables swing between empty and huge, so what the planner believes of their size is
// wrong half of the time: every statement is written for its index, and is held to it.
constexpr const char* kPlans =
    "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off "
    "-c plan_cache_mode=force_generic_plan -c jit=off";

// Statements that wait for others go on with what these have left; in a database whose default is
// stricter each of them would fail.
constexpr const char* kIsolation = "-c default_transaction_isolation=read\\ committed";

std::string read_password(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line))
    throw sdk::Error(GANDER_CONFIG,
                     "option 'password_file': " + path + " cannot be read, or is empty");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::string startup_options(const Settings& s, Use use) {
  std::string options = std::string("-c search_path=pg_catalog ") + kPlans + " " + kIsolation;
  if (use == Use::produce) options += " -c synchronous_commit=" + s.synchronous_commit;
  if (use == Use::claim) options += " -c synchronous_commit=" + s.claim_synchronous_commit;
  if (s.statement_timeout_ms > 0)
    options += " -c statement_timeout=" + std::to_string(s.statement_timeout_ms);
  return options;
}

Settings::Words connect_words(const Settings& s, const Settings::Words& host, Use use) {
  Settings::Words words = s.connect;
  words.insert(words.end(), host.begin(), host.end());
  words.emplace_back("client_encoding", "UTF8");
  // A network that swallows packets is noticed by the kernel, whatever the call allows.
  words.emplace_back("keepalives_idle", "5");
  words.emplace_back("keepalives_interval", "2");
  words.emplace_back("keepalives_count", "3");
  words.emplace_back("tcp_user_timeout", "10000");
  words.emplace_back("fallback_application_name", "gander");
  if (!s.password.empty()) words.emplace_back("password", s.password);
  if (!s.password_file.empty()) words.emplace_back("password", read_password(s.password_file));
  if (!s.pooler) {
    words.emplace_back("options", startup_options(s, use));
    words.emplace_back("target_session_attrs", "read-write");
  }
  return words;
}

}  // namespace

Statement::Statement(Connection& connection, std::string_view sql)
    : name_("g" + std::to_string(++connection.statements_)), sql_(connection.expanded(sql)) {}

Connection::Connection(const Settings& settings, Use use, const sdk::Deadline& deadline)
    : settings_(settings), use_(use) {
  connect(deadline);
  require_version(version(), where());
  PQsetErrorVerbosity(handle(), PQERRORS_DEFAULT);
  // A library does not write to the standard error of its host.
  PQsetNoticeProcessor(
      handle(), [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(handle(), 1) != 0 || PQenterPipelineMode(handle()) != 1)
    throw lost_error(PQerrorMessage(handle()), where(), false);
  configure(deadline);
}

// The hosts in turn, until one takes writes. libpq would do the same, but has no limit of time for
// a host when it is not to block: one that is switched off and answers nothing would keep us from
// the one that was promoted in its place. So each gets its share of what is left.
void Connection::connect(const sdk::Deadline& deadline) {
  auto end = Clock::now() + std::chrono::milliseconds(settings_.connect_timeout_ms);
  if (deadline.at()) end = std::min(end, *deadline.at());
  auto left = static_cast<int>(settings_.hosts.size());
  for (const Settings::Words& host : settings_.hosts) {
    const auto now = Clock::now();
    try {
      return connect_to(host, now + (end - now) / left, deadline);
    } catch (const sdk::Error& e) {
      if (--left == 0 || (e.flags() & GANDER_ERROR_RETRYABLE) == 0) throw;
    }
  }
}

void Connection::connect_to(const Settings::Words& host, Clock::time_point until,
                            const sdk::Deadline& deadline) {
  std::vector<const char*> keywords, values;
  const auto words = connect_words(settings_, host, use_);
  for (const auto& [keyword, value] : words) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  handle_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!handle_) throw std::bad_alloc();
  // The SQLSTATE of a refusal stands nowhere but in the text, and only when asked for.
  PQsetErrorVerbosity(handle(), PQERRORS_VERBOSE);
  for (auto step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK;
       step = PQconnectPoll(handle())) {
    if (step == PGRES_POLLING_FAILED || PQstatus(handle()) == CONNECTION_BAD)
      throw connect_error(PQerrorMessage(handle()), where());
    if (wait_socket(step == PGRES_POLLING_WRITING, until)) continue;
    if (deadline.passed()) throw late_error(where() + ": connecting", false);
    throw connect_error("no answer within connect_timeout_ms", where());
  }
}

// What a pooler would refuse at the start, or an older server does not know.
void Connection::configure(const sdk::Deadline& deadline) {
  if (pooled() || version() < kWithClientCheck) return;
  // A client that has gone, or given up, does not leave its statement behind to run on.
  run("SELECT pg_catalog.set_config('client_connection_check_interval', '500', false)", deadline);
}

std::string Connection::expanded(std::string_view sql) const {
  std::string out;
  for (const char c : sql) {
    if (c == '@')
      out += "\"" + settings_.schema + "\".";
    else
      out += c;
  }
  return out;
}

bool Connection::wait_socket(bool writing, const Time& until) {
  for (;;) {
    int ms = -1;
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
      ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
    }
    const auto events = static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN);
    pollfd socket{PQsocket(handle()), events, 0};
    const int ready = poll(&socket, 1, ms);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;  // libpq says what is wrong with it
  }
}

// A server that has hung up while the session was idle is noticed before anything is sent, so that
// the call is known not to have been applied.
void Connection::require_alive() {
  pollfd socket{PQsocket(handle()), POLLIN, 0};
  if (usable_ && poll(&socket, 1, 0) > 0) {
    // Twice: the first finds the server's last words, the second that nothing follows.
    usable_ = PQconsumeInput(handle()) == 1 && PQconsumeInput(handle()) == 1 &&
              PQstatus(handle()) == CONNECTION_OK;
  }
  if (!usable_) throw lost_error(PQerrorMessage(handle()), where(), false);
}

Result Connection::run(Statement& statement, const sdk::Deadline& deadline, const Params& params) {
  Trip trip(*this, deadline);
  trip.add(statement, params);
  return std::move(trip.finish().front());
}

Result Connection::run(const std::string& sql, const sdk::Deadline& deadline,
                       const Params& params) {
  Trip trip(*this, deadline);
  trip.add(expanded(sql), params);
  return std::move(trip.finish().front());
}

}  // namespace gander::postgres
