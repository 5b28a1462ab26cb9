// What becomes of a message, outcome by outcome, through the public test kit: no thread, no server,
// own clock.
#include <gander/testing.h>
#include <gtest/gtest.h>

#include "envelope.h"

namespace {

using namespace std::chrono_literals;
using gander::RetryPolicy;
using gander::State;
using gander::Testing;

std::vector<std::string> ran;
std::function<void(const std::string&)> behaviour;

void work(gander::Context& context, std::string what) {
  ran.push_back(what + "#" + std::to_string(context.attempt));
  if (behaviour) behaviour(what);
}
constexpr gander::Job<"test.work", work> kWork;
constexpr gander::Job<"test.work", work, 2> kWorkOfVersion2;
constexpr gander::Job<"test.unknown", work> kUnknown;

class Outcomes : public ::testing::Test {
 protected:
  void SetUp() override {
    ran.clear();
    behaviour = nullptr;
  }
  Testing gander_;
};

TEST_F(Outcomes, SuccessLeavesNothing) {
  gander_.handle(kWork).client().enqueue(kWork, "a");
  ASSERT_EQ(gander_.enqueued().size(), 1U);
  EXPECT_EQ(gander_.enqueued()[0].args, R"(["a"])");
  EXPECT_EQ(gander_.run_all(), 1U);
  EXPECT_EQ(ran, std::vector<std::string>{"a#1"});
  EXPECT_TRUE(gander_.enqueued().empty());
}

TEST_F(Outcomes, AFailureIsRetriedAtItsTimeWithItsStory) {
  RetryPolicy policy;
  policy.delay = [](int) { return 10s; };
  gander_.handle(kWork, policy).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) {
    if (ran.size() == 1) throw std::runtime_error("no route");
  };
  EXPECT_EQ(gander_.run_all(), 1U);
  const auto waiting = gander_.in_state(State::retry);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].note, "no route");
  EXPECT_EQ(waiting[0].attempts, 1U);
  EXPECT_EQ(waiting[0].first_failed_at, waiting[0].failed_at);
  EXPECT_EQ(waiting[0].run_at, gander_.now() + 10s);
  gander_.advance(9s);
  EXPECT_EQ(gander_.run_all(), 0U);
  gander_.advance(1s);
  EXPECT_EQ(gander_.run_all(), 1U);
  EXPECT_EQ(ran.back(), "a#2");
}

TEST_F(Outcomes, DueRetriesGoToTheFront) {
  RetryPolicy policy;
  policy.delay = [](int) { return 1s; };
  gander_.handle(kWork, policy).client().enqueue(kWork, "first");
  behaviour = [](const std::string&) {
    if (ran.size() == 1) throw std::runtime_error("once");
  };
  gander_.run_all();
  gander_.client().enqueue(kWork, "later");
  gander_.advance(1s);
  gander_.run_all();
  EXPECT_EQ(ran, (std::vector<std::string>{"first#1", "first#2", "later#1"}));
}

TEST_F(Outcomes, APastInstantGoesToTheFront) {
  gander_.handle(kWork).client().enqueue(kWork, "waits");
  gander_.client().at(gander_.now() - 1h).enqueue(kWork, "late");
  gander_.run_all();
  EXPECT_EQ(ran, (std::vector<std::string>{"late#1", "waits#1"}));
}

TEST_F(Outcomes, WhatIsOutOfRetriesIsADeadLetter) {
  RetryPolicy policy;
  policy.max_retries = 2;
  policy.delay = [](int) { return 0ms; };
  std::vector<std::string> told;
  policy.on_error = [&](const gander::Failure& f) {
    told.push_back("error " + std::to_string(f.failures));
  };
  policy.on_death = [&](const gander::Failure& f) {
    told.push_back("death " + std::string(f.error));
  };
  gander_.handle(kWork, policy).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw std::runtime_error("never"); };
  EXPECT_EQ(gander_.run_all(), 3U);
  EXPECT_EQ(told, (std::vector<std::string>{"error 1", "error 2", "error 3", "death never"}));
  ASSERT_EQ(gander_.in_state(State::dead).size(), 1U);
  EXPECT_EQ(gander_.in_state(State::dead)[0].attempts, 3U);
}

TEST_F(Outcomes, HooksThatThrowChangeNothing) {
  RetryPolicy policy;
  policy.max_retries = 0;
  policy.on_error = [](const gander::Failure&) { throw std::runtime_error("hook"); };
  policy.on_death = [](const gander::Failure&) { throw 5; };
  gander_.handle(kWork, policy).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw std::runtime_error("never"); };
  gander_.run_all();
  EXPECT_EQ(gander_.in_state(State::dead).size(), 1U);
}

TEST_F(Outcomes, TheMessagesOwnRetryOptionsComeFirst) {
  RetryPolicy policy;
  policy.delay = [](int) { return 0ms; };
  gander_.handle(kWork, policy);
  gander_.client().retries(1).retry_on("slow").enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw std::runtime_error("never"); };
  EXPECT_TRUE(gander_.run_one());
  ASSERT_EQ(gander_.enqueued().size(), 1U);
  EXPECT_EQ(gander_.enqueued()[0].queue, "slow");
  gander_.run_all();
  EXPECT_EQ(gander_.in_state(State::dead).size(), 1U);
  gander_.client().retries(0).skip_dead().enqueue(kWork, "b");
  gander_.run_all();
  EXPECT_EQ(gander_.in_state(State::dead).size(), 1U);
}

TEST_F(Outcomes, DiscardDiesAtOnce) {
  gander_.handle(kWork).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw gander::Discard("no such user"); };
  gander_.run_all();
  ASSERT_EQ(gander_.in_state(State::dead).size(), 1U);
  EXPECT_EQ(gander_.in_state(State::dead)[0].note, "discarded: no such user");
}

TEST_F(Outcomes, SnoozeSpendsNoAttempt) {
  gander_.handle(kWork).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) {
    if (ran.size() == 1) throw gander::Snooze(5min);
  };
  gander_.run_all();
  ASSERT_EQ(gander_.in_state(State::scheduled).size(), 1U);
  gander_.advance(5min);
  gander_.run_all();
  EXPECT_EQ(ran.back(), "a#1");
}

TEST_F(Outcomes, AForeignExceptionIsAFailureLikeAnyOther) {
  gander_.handle(kWork).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw 42; };
  gander_.run_all();
  ASSERT_EQ(gander_.in_state(State::retry).size(), 1U);
  EXPECT_EQ(gander_.in_state(State::retry)[0].note,
            "the handler threw something that is not a std::exception");
}

TEST_F(Outcomes, AnUnknownJobIsParkedUntilAWorkerKnowsIt) {
  gander_.handle(kWork).client().enqueue(kUnknown, "a");
  gander_.run_all();
  const auto parked = gander_.in_state(State::scheduled);
  ASSERT_EQ(parked.size(), 1U);
  EXPECT_EQ(parked[0].note,
            "parked: no handler for job 'test.unknown'; it runs when a worker that knows it comes");
  EXPECT_EQ(parked[0].attempts, 0U);
  gander_.handle(kUnknown).advance(15s);
  gander_.run_all();
  EXPECT_EQ(ran, std::vector<std::string>{"a#1"});
}

TEST_F(Outcomes, ANewerPayloadIsParkedToo) {
  gander_.handle(kWork).client().enqueue(kWorkOfVersion2, "a");
  gander_.run_all();
  ASSERT_EQ(gander_.in_state(State::scheduled).size(), 1U);
  EXPECT_EQ(gander_.in_state(State::scheduled)[0].attempts, 0U);
  EXPECT_TRUE(ran.empty());
}

TEST_F(Outcomes, ArgumentsThatDoNotFitAreADeadLetterThatSaysWhere) {
  gander_.handle(kWork).client().enqueue_json("test.work", "[5]");
  gander_.run_all();
  ASSERT_EQ(gander_.in_state(State::dead).size(), 1U);
  EXPECT_EQ(gander_.in_state(State::dead)[0].note,
            "arguments do not fit: body.args[0]: expected a string, found a number");
}

TEST_F(Outcomes, MiddlewareIsAroundEveryRunInOrder) {
  std::vector<std::string> seen;
  gander_.worker().use([&](gander::Context& c, const gander::Next& next) {
    seen.push_back("outer " + std::string(c.job));
    next();
    seen.emplace_back("outer after");
  });
  gander_.worker().use([&](gander::Context&, const gander::Next& next) {
    seen.emplace_back("inner");
    next();
  });
  gander_.handle(kWork).client().enqueue(kWork, "a");
  gander_.run_all();
  EXPECT_EQ(seen, (std::vector<std::string>{"outer test.work", "inner", "outer after"}));
}

TEST_F(Outcomes, AMiddlewareThatDoesNotGoOnSwallowsTheRun) {
  gander_.worker().use([](gander::Context&, const gander::Next&) {});
  gander_.handle(kWork).client().enqueue(kWork, "a");
  gander_.run_all();
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(gander_.enqueued().empty());
}

TEST_F(Outcomes, ClientMiddlewareMayRedirectAndDrop) {
  gander_.client().use([](gander::Outgoing& m, const gander::Next& next) {
    if (m.args == R"(["drop"])") return;
    m.queue = "other";
    next();
  });
  gander_.client().enqueue(kWork, "drop");
  gander_.client().enqueue(kWork, "keep");
  ASSERT_EQ(gander_.enqueued().size(), 1U);
  EXPECT_EQ(gander_.enqueued()[0].queue, "other");
}

TEST_F(Outcomes, TheSameIdTwiceRunsOnce) {
  gander_.handle(kWork);
  const gander::Id id = gander::Id::from_key("order-42");
  EXPECT_EQ(gander_.client().id(id).enqueue(kWork, "a"), id);
  EXPECT_EQ(gander_.client().id(id).enqueue(kWork, "a"), id);
  EXPECT_EQ(gander_.run_all(), 1U);
}

TEST_F(Outcomes, BulkTakesAnyRangeOfArgumentsOrTuples) {
  gander_.handle(kWork);
  const auto ids = gander_.client().enqueue_all(kWork, std::vector<std::string>{"a", "b", "c"});
  EXPECT_EQ(ids.size(), 3U);
  gander_.client().enqueue_all(kWork, std::vector{std::tuple{std::string("d")}});
  EXPECT_EQ(gander_.run_all(), 4U);
  EXPECT_EQ(ran, (std::vector<std::string>{"a#1", "b#1", "c#1", "d#1"}));
}

TEST_F(Outcomes, AFutureHoldsTheId) {
  auto future = gander_.client().enqueue_async(kWork, "a");
  const gander::Id id = future.get();
  ASSERT_EQ(gander_.enqueued().size(), 1U);
  EXPECT_EQ(gander_.enqueued()[0].id, id);
}

TEST_F(Outcomes, BadQueueNamesAreRefusedByRule) {
  for (const std::string& name : {std::string(), std::string(201, 'q'), std::string("a\nb"),
                                  std::string("a/b"), std::string("..")}) {
    try {
      gander_.client().on(name).enqueue(kWork, "a");
      ADD_FAILURE() << "accepted: " << name;
    } catch (const gander::Error& e) {
      EXPECT_EQ(e.code(), gander::Code::invalid_argument);
    }
  }
  EXPECT_TRUE(gander_.enqueued().empty());
}

TEST_F(Outcomes, AMessageOverTheLimitIsRefusedAndOneAtItIsNot) {
  gander_.client().enqueue(kWork, std::string((1U << 20U) - 100, 'x'));
  try {
    gander_.client().enqueue(kWork, std::string((1U << 20U) + 1, 'x'));
    FAIL();
  } catch (const gander::Error& e) {
    EXPECT_EQ(e.code(), gander::Code::too_large);
  }
  EXPECT_EQ(gander_.enqueued().size(), 1U);
}

TEST_F(Outcomes, ANewerFormatIsParkedWhateverElseItHolds) {
  gander::Document document;
  gander_.handle(kWork);
  gander_.client().enqueue(kWork, "a");
  // there is no way to enqueue another format, so the reading is tested where it happens
  EXPECT_EQ(gander::read_envelope(document.parse(R"({"v":2,"name":"x","retry":7})", "body")).format,
            2);
}

TEST_F(Outcomes, ADelayForEverIsLateAndNotNow) {
  gander_.handle(kWork);
  gander_.client().in(std::chrono::milliseconds::max()).enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw gander::Snooze(std::chrono::milliseconds::max()); };
  gander_.client().enqueue(kWork, "b");
  EXPECT_EQ(gander_.run_all(), 1U);
  EXPECT_EQ(gander_.in_state(State::scheduled).size(), 2U);
}

TEST_F(Outcomes, ATimeoutThatCannotBeWrittenIsRefusedAtTheEnqueue) {
  EXPECT_THROW(gander_.client().timeout(0ms).enqueue(kWork, "a"), gander::Error);
  EXPECT_THROW(gander_.client().timeout(24h * 30).enqueue(kWork, "a"), gander::Error);
  EXPECT_TRUE(gander_.enqueued().empty());
}

TEST_F(Outcomes, DeathWithoutARetryCallsTheHooksToo) {
  RetryPolicy policy;
  int deaths = 0;
  policy.on_death = [&](const gander::Failure&) { ++deaths; };
  gander_.handle(kWork, policy).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw gander::Discard("no"); };
  gander_.run_all();
  gander_.client().enqueue_json("test.work", "[1,2]");
  gander_.run_all();
  EXPECT_EQ(deaths, 2);
}

TEST_F(Outcomes, ANoteIsTextWhateverWasThrown) {
  gander_.handle(kWork).client().enqueue(kWork, "a");
  behaviour = [](const std::string&) { throw std::runtime_error("bytes \xff\xfe"); };
  gander_.run_all();
  EXPECT_EQ(gander_.in_state(State::retry)[0].note, "bytes ??");
}

}  // namespace
