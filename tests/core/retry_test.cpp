#include <gander/retry.h>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using gander::decide;
using gander::Outcome;
using gander::RetryPolicy;

TEST(Retry, DefaultDelayIsGoosesFormula) {
  struct Row {
    int failures;
    double random;
    std::chrono::milliseconds want;
  };
  for (const Row& row : {Row{1, 0, 20s}, Row{1, 1, 40s}, Row{2, 0.5, 41s}, Row{3, 0, 36s},
                         Row{11, 0, 10020s}, Row{27, 0, 456996s}})
    EXPECT_EQ(gander::default_retry_delay(row.failures, row.random), row.want) << row.failures;
}

TEST(Retry, RunsOnceMoreThanItRetries) {
  RetryPolicy policy;
  EXPECT_EQ(policy.max_retries, 27);
  EXPECT_EQ(decide(policy, 27, 0).outcome, Outcome::retry);
  EXPECT_EQ(decide(policy, 28, 0).outcome, Outcome::dead);
  policy.max_retries = 0;
  EXPECT_EQ(decide(policy, 1, 0).outcome, Outcome::dead);
}

TEST(Retry, SkipDeadDropsWhatIsSpent) {
  RetryPolicy policy;
  policy.max_retries = 1;
  policy.skip_dead = true;
  EXPECT_EQ(decide(policy, 1, 0).outcome, Outcome::retry);
  EXPECT_EQ(decide(policy, 2, 0).outcome, Outcome::ack);
}

TEST(Retry, ADelayFunctionOfOnesOwnIsAskedWithTheCount) {
  RetryPolicy policy;
  policy.delay = [](int failures) { return std::chrono::milliseconds(failures * 10); };
  EXPECT_EQ(decide(policy, 3, 0).delay, 30ms);
}

TEST(Retry, ADelayFunctionThatThrowsOrIsNegativeFallsBack) {
  RetryPolicy policy;
  policy.delay = [](int) -> std::chrono::milliseconds { throw 7; };
  EXPECT_EQ(decide(policy, 1, 0).delay, 20s);
  policy.delay = [](int) { return -5ms; };
  EXPECT_EQ(decide(policy, 1, 0).delay, 20s);
}

}  // namespace
