#include "ledger.h"

#include <gtest/gtest.h>

#include <fstream>

#include "scratch.h"

namespace gander::faults {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// Logs written by hand, times in seconds.
struct LedgerTest : testing::Test {
  Scratch scratch;
  Logs logs{scratch.file("acks"), scratch.file("runs")};
  std::vector<Disturbance> disturbances;

  LedgerTest() { scratch.keep = false; }

  static void line(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::app) << text << '\n';
  }
  // By process 9, which needed no time.
  void acknowledged(const std::string& id, std::int64_t at = 1) const {
    const std::string time = ' ' + std::to_string(at * kSecond);
    line(logs.acks, id + " 9" + time + time);
  }
  void began(const std::string& id, pid_t pid, std::int64_t at, int returns = 0) const {
    line(logs.runs, "begin " + id + ' ' + std::to_string(pid) + ' ' + std::to_string(at * kSecond) +
                        ' ' + std::to_string(returns));
  }
  void ended(const std::string& id, pid_t pid, std::int64_t at) const {
    line(logs.runs,
         "end " + id + ' ' + std::to_string(pid) + ' ' + std::to_string(at * kSecond) + " 0");
  }
  void ran(const std::string& id, pid_t pid, std::int64_t from, std::int64_t to,
           int returns = 0) const {
    began(id, pid, from, returns);
    ended(id, pid, to);
  }
  void disturbed(pid_t pid, std::int64_t from, std::int64_t to, bool killed = false) {
    disturbances.push_back({pid, from * kSecond, to * kSecond, killed});
  }
  [[nodiscard]] Verdict verdict() const { return judge(logs, disturbances); }
};

TEST_F(LedgerTest, HasNothingAgainstARunForEachPromise) {
  acknowledged("a");
  ran("a", 1, 10, 11);
  ran("never-acknowledged", 1, 11, 12);
  const Verdict v = verdict();
  EXPECT_EQ(v.ids, 1U);
  EXPECT_EQ(v.lost + v.duplicates + v.unexplained, 0U);
}

TEST_F(LedgerTest, CallsLostWhatNeverRanOrNeverEnded) {
  acknowledged("a");
  acknowledged("b");
  began("b", 1, 10);
  disturbed(1, 11, 11, true);
  EXPECT_EQ(verdict().lost, 2U);
  EXPECT_EQ(verdict().complaints.size(), 2U);
}

TEST_F(LedgerTest, ExplainsASecondRunByAFaultInTheFirst) {
  began("a", 1, 10);
  disturbed(1, 11, 11, true);
  ran("a", 2, 15, 16, 1);
  const Verdict v = verdict();
  EXPECT_EQ(v.duplicates, 1U);
  EXPECT_EQ(v.unexplained, 0U);
  EXPECT_DOUBLE_EQ(v.worst_recovery_s, 4);
}

TEST_F(LedgerTest, BlamesNoRecoveryOnAKillThatASecondFaultDelayed) {
  began("a", 1, 10);
  disturbed(1, 11, 11, true);
  ran("a", 2, 35, 36, 2);
  EXPECT_EQ(verdict().unexplained, 0U);
  EXPECT_DOUBLE_EQ(verdict().worst_recovery_s, 0);
}

TEST_F(LedgerTest, DoesNotExplainASecondRunByTheFaultOfAThirdProcess) {
  acknowledged("a");
  ran("a", 1, 10, 11);
  disturbed(3, 11, 11, true);
  ran("a", 2, 15, 16);
  EXPECT_EQ(verdict().unexplained, 1U);
}

TEST_F(LedgerTest, DoesNotExplainASecondRunByAFaultLongAfterTheFirst) {
  acknowledged("a");
  ran("a", 1, 10, 11);
  disturbed(1, 14, 14, true);
  ran("a", 2, 15, 16);
  EXPECT_EQ(verdict().unexplained, 1U);
}

TEST_F(LedgerTest, DoesNotExplainASecondRunByAFaultThatCameLater) {
  acknowledged("a");
  began("a", 1, 10);
  ran("a", 2, 11, 12);
  disturbed(1, 13, 13, true);
  EXPECT_EQ(verdict().unexplained, 1U);
}

TEST_F(LedgerTest, ExplainsARunThatBeganWhileItsConnectionWasDisturbed) {
  disturbed(1, 10, 17);
  ran("a", 1, 12, 13);
  ran("a", 2, 22, 23);
  EXPECT_EQ(verdict().unexplained, 0U);
}

TEST_F(LedgerTest, ExplainsTheRunOfAWorkerThatWakesTooLate) {
  disturbed(1, 10, 23);
  ran("a", 2, 21, 22);
  ran("a", 1, 23, 24);
  EXPECT_EQ(verdict().unexplained, 0U);
}

TEST_F(LedgerTest, CountsAServersFaultAgainstEveryProcessAndMeasuresTheReturn) {
  began("a", 1, 10);
  disturbed(0, 11, 13);
  ran("a", 2, 15, 16);
  const Verdict v = verdict();
  EXPECT_EQ(v.unexplained, 0U);
  EXPECT_DOUBLE_EQ(v.worst_resume_s, 2);
  EXPECT_DOUBLE_EQ(v.worst_recovery_s, 0);
}

TEST_F(LedgerTest, MeasuresAReturnUntilTheServerWentAwayAgain) {
  began("a", 1, 10);
  disturbed(0, 11, 13);
  disturbed(0, 16, 20);
  ran("a", 2, 21, 22);
  EXPECT_DOUBLE_EQ(verdict().worst_resume_s, 3);
}

TEST_F(LedgerTest, MeasuresHowOldAnAckWasThatAFaultUndid) {
  for (const std::string id : {"over", "running"}) acknowledged(id);
  began("running", 1, 10);
  line(logs.runs, "begin over 1 10000000 0");
  line(logs.runs, "end over 1 10800000 0");
  disturbed(1, 11, 11, true);
  disturbed(1, 12, 12, true);
  for (const std::string id : {"over", "running"}) ran(id, 2, 15, 16, 1);
  const Verdict v = verdict();
  EXPECT_EQ(v.unexplained, 0U);
  EXPECT_DOUBLE_EQ(v.oldest_undone_s, 0.2);
}

TEST_F(LedgerTest, ExplainsTwoOfAnIdByAFaultInItsEnqueue) {
  acknowledged("a", 10);
  disturbed(9, 10, 10);
  ran("a", 1, 10, 11);
  ran("a", 2, 10, 12);
  EXPECT_EQ(verdict().duplicates, 1U);
  EXPECT_EQ(verdict().stored_twice, 1U);
  EXPECT_EQ(verdict().unexplained, 0U);
}

TEST_F(LedgerTest, DoesNotExplainTwoOfAnIdByAFaultLongAfterItsEnqueue) {
  acknowledged("a", 5);
  disturbed(9, 10, 10);
  ran("a", 1, 10, 11);
  ran("a", 2, 10, 12);
  EXPECT_EQ(verdict().stored_twice, 0U);
  EXPECT_EQ(verdict().unexplained, 1U);
}

TEST_F(LedgerTest, ExplainsTwoOfAnIdByAFaultInItsGiveBack) {
  acknowledged("a", 5);
  disturbed(3, 7, 8);
  ran("a", 1, 10, 11, 4);
  ran("a", 2, 12, 13, 7);
  EXPECT_EQ(verdict().stored_twice, 1U);
  EXPECT_EQ(verdict().unexplained, 0U);
}

TEST_F(LedgerTest, DoesNotExplainTwoRunsOfOneCopyByAFaultOfAThird) {
  acknowledged("a", 5);
  acknowledged("b", 5);
  disturbed(3, 7, 8);
  ran("a", 1, 10, 11, 4);
  ran("a", 2, 12, 13, 4);
  ran("b", 1, 10, 11, 4);
  ran("b", 2, 12, 13, 5);
  EXPECT_EQ(verdict().stored_twice, 0U);
  EXPECT_EQ(verdict().unexplained, 2U);
}

}  // namespace
}  // namespace gander::faults
