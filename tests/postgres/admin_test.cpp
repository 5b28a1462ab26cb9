// Looking into a database with very many dead letters, and clearing them away.
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
  Session admin = b.open(GANDER_ROLE_ADMIN);
  const auto& inspect = b.extension<gander_ext_inspect>(GANDER_EXT_INSPECT);
  const auto& manage = b.extension<gander_ext_manage>(GANDER_EXT_MANAGE);
  const Call call(std::chrono::seconds(60));
  gander_error e = blank_error();
  struct Seen {
    std::uint64_t count = 0, last = UINT64_MAX;
    bool ordered = true;
    std::string cursor;
  } seen;
  const gander_message_visitor visit = [](void* user, const gander_message* m,
                                          gander_str cursor) noexcept -> std::int32_t {
    auto& s = *static_cast<Seen*>(user);
    ++s.count;
    s.ordered = s.ordered && number_of(m->id) < s.last;
    s.last = number_of(m->id);
    s.cursor = view(cursor);
    return 0;
  };
  for (const char* queue : {"", "default"}) {
    seen = {};
    for (int page = 0; page < 30; ++page)
      ASSERT_EQ(inspect.messages(admin.raw(), &call, str(queue), GANDER_STATE_DEAD,
                                 str(std::string(seen.cursor)), 500, visit, &seen, &e),
                GANDER_OK)
          << e.message;
    EXPECT_EQ(seen.count, 15'000U);
    EXPECT_TRUE(seen.ordered);
  }
  std::int64_t dead = 0;
  const gander_queue_visitor count = [](void* user, const gander_queue_stat* q) noexcept {
    *static_cast<std::int64_t*>(user) = q->dead;
    return std::int32_t{0};
  };
  ASSERT_EQ(inspect.queues(admin.raw(), &call, count, &dead, &e), GANDER_OK) << e.message;
  EXPECT_EQ(dead, kMany);
  std::uint64_t purged = 0;
  ASSERT_EQ(
      manage.purge(admin.raw(), &call, str("default"), GANDER_STATE_DEAD, 11'100, &purged, &e),
      GANDER_OK)
      << e.message;
  EXPECT_EQ(purged, 100'000U);
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
