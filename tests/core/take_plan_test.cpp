#include "take_plan.h"

#include <gtest/gtest.h>

#include <map>

#include "text.h"

namespace {

using gander::TakePlan;

std::map<std::string, std::size_t> shares(TakePlan& plan, std::size_t room) {
  std::map<std::string, std::size_t> all;
  for (const gander_take& t : plan.next(room))
    all[std::string(gander::view(t.queue))] += t.max_messages;
  return all;
}

TEST(TakePlan, SharesTheRoomByWeight) {
  TakePlan plan({{"a", 6}, {"b", 3}, {"c", 1}}, false);
  EXPECT_EQ(shares(plan, 100),
            (std::map<std::string, std::size_t>{{"a", 60}, {"b", 30}, {"c", 10}}));
}

TEST(TakePlan, OneByOneTheLightQueueIsLateAndNotStarved) {
  TakePlan plan({{"a", 6}, {"b", 1}}, false);
  std::map<std::string, std::size_t> sum;
  for (int i = 0; i < 70; ++i)
    for (const auto& [name, n] : shares(plan, 1)) sum[name] += n;
  EXPECT_EQ(sum, (std::map<std::string, std::size_t>{{"a", 60}, {"b", 10}}));
}

TEST(TakePlan, AnEmptyQueueLeavesItsShareToTheOthers) {
  TakePlan plan({{"a", 1}, {"b", 1}}, false);
  for (const gander_take& t : plan.next(10))
    plan.answered(t, gander::view(t.queue) == "a" ? 0 : t.max_messages);
  EXPECT_EQ(shares(plan, 10), (std::map<std::string, std::size_t>{{"b", 10}}));
  plan.forget_empty();
  EXPECT_EQ(shares(plan, 10).size(), 2U);
}

TEST(TakePlan, StrictAsksTheFirstThatMayHaveWork) {
  TakePlan plan({{"high", 1}, {"low", 9}}, true);
  const auto takes = plan.next(10);
  ASSERT_EQ(takes.size(), 1U);
  plan.answered(takes[0], 3);
  EXPECT_EQ(shares(plan, 10), (std::map<std::string, std::size_t>{{"low", 10}}));
}

TEST(TakePlan, NothingIsAskedWhenAllAreEmpty) {
  TakePlan plan({{"a", 1}}, false);
  plan.answered(plan.next(5)[0], 0);
  EXPECT_TRUE(plan.all_empty());
  EXPECT_TRUE(plan.next(5).empty());
}

}  // namespace
