#include "bell.h"

#include <utility>

namespace gander::postgres {
namespace {

constexpr std::chrono::milliseconds kQuiet{10};
constexpr std::chrono::milliseconds kSparse{2};
constexpr std::chrono::seconds kRetry{1};

}  // namespace

std::string channel_of(const std::string& schema) { return "gander_" + schema; }

void Bell::open(const sdk::Deadline& deadline) noexcept {
  const std::lock_guard lock(mutex_);
  if (connection_ || settings_.pooler || Clock::now() < retry_at_) return;
  try {
    auto connection = std::make_unique<Connection>(settings_, Use::cold, deadline);
    // From here on nothing is waited for, so no pipeline whose answers would have to be.
    if (PQexitPipelineMode(connection->handle()) == 1) connection_ = std::move(connection);
  } catch (const std::exception&) {
    retry_at_ = Clock::now() + kRetry;
  }
}

void Bell::ring(std::int32_t queue) noexcept {
  const std::lock_guard lock(mutex_);
  if (!connection_) return;
  try {
    const auto now = Clock::now();
    Rung& last = rung_[queue];
    const bool sparse = now - std::exchange(last.asked_at, now) >= kSparse;
    if (!sparse && now - last.sent_at < kQuiet) return;
    last.sent_at = now;
    send(queue);
  } catch (const std::exception&) {
    connection_.reset();
  }
}

void Bell::ring(const std::vector<std::int32_t>& queues) noexcept {
  for (const std::int32_t queue : queues) ring(queue);
}

// The answer to the last one is read now; when it has not come, the server is busy, and workers
// that it cannot serve need not be woken.
void Bell::send(std::int32_t queue) {
  PGconn* c = connection_->handle();
  if (PQconsumeInput(c) != 1) return connection_.reset();
  while (PQisBusy(c) == 0) {
    PGresult* result = PQgetResult(c);
    if (result == nullptr) break;
    PQclear(result);
  }
  if (PQisBusy(c) != 0) return;
  const std::string sql =
      "NOTIFY \"" + channel_of(settings_.schema) + "\", '" + std::to_string(queue) + "'";
  if (PQsendQuery(c, sql.c_str()) != 1 || PQflush(c) < 0) connection_.reset();
}

}  // namespace gander::postgres
