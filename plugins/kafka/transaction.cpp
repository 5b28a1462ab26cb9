#include "transaction.h"

#include <algorithm>

namespace gander::kafka {
namespace {

constexpr std::int64_t kLongestTransactionMs = 10'000;
constexpr std::chrono::milliseconds kAbortTime{2000};

Config config_for(const Settings& settings, const std::string& id) {
  Config config(settings);
  config.set("transactional.id", id);
  // A process that dies in one holds up the readers of its topics for so long.
  config.set("transaction.timeout.ms", kLongestTransactionMs);
  config.set("message.timeout.ms", kLongestTransactionMs);
  config.set("linger.ms", 0);
  config.set("message.max.bytes", static_cast<std::int64_t>(settings.max_body + 65'536));
  return config;
}

}  // namespace

// With the cluster away its end takes seconds, for which no caller should wait: commits may be
// held.
void Transactions::part_with(std::unique_ptr<Client> old) {
  std::erase_if(ending_, [](const std::future<void>& one) {
    return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  ending_.push_back(
      std::async(std::launch::async, [gone = std::move(old)]() mutable { gone.reset(); }));
}

void Transactions::connect(const sdk::Deadline& deadline) {
  if (client_) return;
  auto made =
      std::make_unique<Client>(RD_KAFKA_PRODUCER, config_for(settings_, id_), settings_, host_);
  const Owned<rd_kafka_error_t> problem(
      rd_kafka_init_transactions(made->get(), ms_left(deadline, settings_.call_timeout)));
  if (!problem) {
    client_ = std::move(made);
    return;
  }
  const sdk::Error error = made->error(problem.get(), "preparing transactions");
  part_with(std::move(made));
  throw error;
}

void Transactions::take_turn(const sdk::Deadline& deadline) {
  if (client_) part_with(std::move(client_));
  connect(deadline);
}

void Transactions::begin(const sdk::Deadline& deadline) {
  connect(deadline);
  const Owned<rd_kafka_error_t> problem(rd_kafka_begin_transaction(client_->get()));
  if (!problem) return;
  const sdk::Error error = client_->error(problem.get(), "beginning a transaction");
  part_with(std::move(client_));
  throw error;
}

void Transactions::produce(const std::vector<Outgoing>& records) {
  for (const Outgoing& one : records) {
    const bool dead = !one.value.has_value();
    const auto code = rd_kafka_producev(
        client_->get(), RD_KAFKA_V_TOPIC(one.topic.c_str()), RD_KAFKA_V_PARTITION(one.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(one.key.empty() ? nullptr : one.key.data(), one.key.size()),
        RD_KAFKA_V_VALUE(dead ? nullptr : const_cast<char*>(one.value->data()),
                         dead ? 0 : one.value->size()),
        RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_->error(code, "writing to " + one.topic);
  }
}

// Committing would do it, too; but what did not get through by then might get through later, so its
// end would not be known.
void Transactions::flush(const sdk::Deadline& deadline) {
  const auto code = rd_kafka_flush(client_->get(), ms_left(deadline, settings_.call_timeout));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw client_->error(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "writing in a transaction");
}

void Transactions::run(const std::vector<Outgoing>& records,
                       const rd_kafka_topic_partition_list_t* offsets,
                       const rd_kafka_consumer_group_metadata_t* group,
                       const sdk::Deadline& deadline, const std::function<bool()>& still) {
  begin(deadline);
  try {
    produce(records);
    flush(deadline);
    const Owned<rd_kafka_error_t> refused(
        offsets == nullptr
            ? nullptr
            : rd_kafka_send_offsets_to_transaction(client_->get(), offsets, group,
                                                   ms_left(deadline, settings_.call_timeout)));
    if (refused)
      throw client_->error(is_fenced(rd_kafka_error_code(refused.get()))
                               ? RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
                               : rd_kafka_error_code(refused.get()),
                           "settling", rd_kafka_error_string(refused.get()));
    if (still && !still())
      throw client_->error(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, "settling");
  } catch (const sdk::Error& e) {
    abort(deadline);
    // Where one was too large librdkafka (2.0.2) leaves a gap in the numbers of what it sends next,
    // and refuses that itself, again and again.
    if (e.code() == GANDER_TOO_LARGE && client_) part_with(std::move(client_));
    throw;
  }
  const Owned<rd_kafka_error_t> problem(
      rd_kafka_commit_transaction(client_->get(), ms_left(deadline, settings_.call_timeout)));
  if (!problem) return;
  const bool aborts = rd_kafka_error_txn_requires_abort(problem.get()) != 0;
  const sdk::Error error = client_->error(
      problem.get(), "committing a transaction",
      aborts ? 0U : GANDER_ERROR_MAYBE_APPLIED | GANDER_ERROR_RECONNECT | GANDER_ERROR_RETRYABLE);
  if (aborts)
    abort(deadline);
  else
    part_with(std::move(client_));  // the next one of this id ends it, one way or the other
  throw error;
}

void Transactions::abort(const sdk::Deadline& deadline) noexcept {
  const int left = std::max(ms_left(deadline, kAbortTime), 100);
  const Owned<rd_kafka_error_t> problem(rd_kafka_abort_transaction(client_->get(), left));
  // A producer that cannot even do that is of no use; its successor's first call aborts for it.
  if (problem) part_with(std::move(client_));
}

}  // namespace gander::kafka
