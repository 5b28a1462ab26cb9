// Looking into a database with very many dead letters, and clearing them away.
#include <algorithm>
#include <functional>

#include "../support/operator.h"
#include "database.h"

namespace gander::test {
namespace {

constexpr std::int64_t kMany = 1'000'000;
// No statement may take long, however many messages there are. The limit that the design names is
// 50 ms; a machine that does other things at the same time gets ten times as much.
const std::map<std::string, std::string> kShortStatements = {{"statement_timeout_ms", "500"}};

class PostgresAdmin : public PostgresTest {
 protected:
  void fill(std::int64_t count) {
    broker().open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
    const std::string s = "\"" + schema + "\".";
    sql->run("INSERT INTO " + s +
             "dead(died, seq, enqueued_at, lane, queue, id, body) SELECT 1000+g/10, g, 5, no*4+1, "
             "no, lpad(to_hex(g), 32, '0')::uuid, 'body' FROM " +
             s + "queue, generate_series(1000, 999+" + std::to_string(count) + ") g");
    sql->run("ANALYZE " + s + "dead");
  }
};

TEST_F(PostgresAdmin, PagesAndPurgesAMillionDeadLetters) {
  if (!sql) return;
  fill(kMany);
  Broker b = broker(kShortStatements);
  Operator op(b);
  for (const char* queue : {"", "default"}) {
    Numbers seen;
    std::string cursor;
    for (int i = 0; i < 30; ++i) {
      const auto page = op.page(GANDER_STATE_DEAD, queue, 500, cursor);
      seen.insert(seen.end(), page.numbers.begin(), page.numbers.end());
      cursor = page.cursors.back();
    }
    EXPECT_EQ(seen.size(), 15'000U);
    EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater_equal())) << "the newest first, once";
  }
  const Call call(std::chrono::seconds(60));
  EXPECT_EQ(op.queues(call).at("default").dead, kMany);
  EXPECT_EQ(op.purge(GANDER_STATE_DEAD, "default", 11'100, call), 100'000U);
}

TEST_F(PostgresAdmin, RetentionByCountKeepsTheNewest) {
  if (!sql) return;
  constexpr std::int64_t kThere = 50'000;
  fill(kThere);
  auto options = kShortStatements;
  options["dead_max_count"] = std::to_string(kThere - 1700);
  Broker b = broker(options);
  Session consumer = b.open(GANDER_ROLE_CONSUME, "w");
  EXPECT_EQ(b.open(GANDER_ROLE_TEND, "w").tend().trimmed, 1700U);
  EXPECT_EQ(sql->number("SELECT min(seq) FROM \"" + schema + "\".dead"), 1000 + 1700);
}

}  // namespace
}  // namespace gander::test
