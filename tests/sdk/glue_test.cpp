// What the C++ glue makes of exceptions, where the contract depends on it.
#include <gtest/gtest.h>
#include <gander/sdk/broker.hpp>

namespace {

using namespace gander::sdk;

struct Failing final : Session {
  void enqueue(Messages, Verdicts, const Deadline&) override { throw std::bad_alloc(); }
  Taken exchange(const gander::sdk::Exchange&, const Deadline&) override {
    throw std::runtime_error("unforeseen");
  }
  gander_tend_res tend(const Deadline&) override { throw std::bad_alloc(); }
};

struct FailingBroker final : Broker {
  FailingBroker(Host, const Options&) {}
  gander_broker_info info(const Deadline&) override {
    gander_broker_info info{};
    info.max_body = 100;
    return info;
  }
  std::unique_ptr<Session> open(const SessionOptions&, const Deadline&) override {
    return std::make_unique<Failing>();
  }
};

gander_error blank() {
  gander_error e{};
  e.struct_size = sizeof e;
  return e;
}

// Thrown in the middle, so nobody knows how far it had come; what is an Error says so itself.
TEST(Glue, UnforeseenExceptionMayHaveBeenApplied) {
  static constexpr OptionSpec kNone[] = {{"url", "string", "", false, false, false, 0, 0, ""}};
  const gander_broker_table table = broker_table<FailingBroker>(kNone);
  const gander_host host{};
  gander_broker* broker = nullptr;
  gander_session* session = nullptr;
  ASSERT_EQ(table.create(&host, nullptr, 0, &broker, nullptr), GANDER_OK);
  gander_session_opts opts{};
  opts.struct_size = sizeof opts;
  opts.role = GANDER_ROLE_PRODUCE;
  ASSERT_EQ(table.open_session(broker, nullptr, &opts, &session, nullptr), GANDER_OK);

  gander_message m{};
  m.queue = str("q");
  m.priority = GANDER_PRIORITY_NORMAL;
  const gander_enqueue_req enqueue{sizeof enqueue, sizeof m, 1, 0, &m};
  gander_status verdict = GANDER_OK;
  gander_error e = blank();
  EXPECT_EQ(table.enqueue(session, nullptr, &enqueue, &verdict, &e), GANDER_NO_MEMORY);
  EXPECT_EQ(e.flags, GANDER_ERROR_MAYBE_APPLIED);

  gander_exchange_req exchange{};
  exchange.struct_size = sizeof exchange;
  gander_exchange_res res{};
  res.struct_size = sizeof res;
  e = blank();
  EXPECT_EQ(table.exchange(session, nullptr, &exchange, nullptr, &res, &e), GANDER_INTERNAL);
  EXPECT_EQ(e.flags, GANDER_ERROR_MAYBE_APPLIED);
  EXPECT_STREQ(e.message, "unforeseen");

  gander_tend_res tended{};
  tended.struct_size = sizeof tended;
  e = blank();
  EXPECT_EQ(table.tend(session, nullptr, &tended, &e), GANDER_NO_MEMORY);  // idempotent: no matter
  EXPECT_EQ(e.flags, 0U);
  table.close_session(session);
  table.destroy(broker);
}

}  // namespace
