// The parts of the Kafka broker that need no server: names, records, the map of offsets, the stock.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include <gander/sdk/message_bytes.hpp>
#include "base64.h"
#include "names.h"
#include "offsets.h"
#include "stock.h"
#include "varint.h"

namespace gander::kafka {
namespace {

TEST(KafkaNames, EveryNameHasTopicsOfItsOwn) {
  const Names names("gander");
  EXPECT_EQ(names.ready("mail", 1), "gander.q.mail.1");
  EXPECT_EQ(names.ready("a_b-c/d", 0), "gander.q.a-5Fb-2Dc-2Fd.0");
  for (const std::string queue : {"mail", "a.b", "a_b", "\xC3\xA4 /%", "-h"}) {
    const auto back = names.queue_of(names.ready(queue, 2));
    ASSERT_TRUE(back) << queue;
    EXPECT_EQ(back->queue, queue);
    EXPECT_EQ(back->priority, 2U);
  }
  EXPECT_FALSE(names.queue_of("gander.sched"));
  EXPECT_FALSE(names.queue_of("other.q.mail.1"));
}

TEST(KafkaNames, LongOnesAreHashed) {
  const Names names("gander");
  const std::string one(200, '/'), two = std::string(199, '/') + "x";
  EXPECT_TRUE(names.is_hashed(one));
  EXPECT_LE(names.ready(one, 0).size(), 249U);
  EXPECT_NE(names.ready(one, 0), names.ready(two, 0));
}

TEST(KafkaOffsets, SaysOfEveryRandomPatternWhatItWasTold) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Offsets offsets(100);
    std::set<std::int64_t> done;
    const std::int64_t window = 1 + random() % 3000;
    for (std::int64_t o = 100; o < 100 + window; ++o) offsets.hand_out(o);
    for (std::int64_t i = 0; i < window; ++i) {
      const std::int64_t o = 100 + random() % window;
      if (random() % 3 == 0) continue;
      offsets.finish(o);
      done.insert(o);
    }
    offsets.owner = 42;
    offsets.left = false;
    offsets.idle = round % 2 == 0;
    const auto read = Offsets::decode(offsets.base(), offsets.encode());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->owner, 42U);
    EXPECT_FALSE(read->left);
    EXPECT_EQ(read->idle, round % 2 == 0);
    EXPECT_EQ(read->next(), offsets.next());
    for (std::int64_t o = 100; o < 100 + window; ++o)
      ASSERT_EQ(read->is_done(o), done.contains(o)) << "offset " << o << ", round " << round;
  }
}

TEST(KafkaOffsets, WhatTheDeadHadHandedOutCountsACrashAndTheRestDoesNot) {
  Offsets offsets(0);
  for (const std::int64_t o : {0, 1, 2, 3}) offsets.hand_out(o);
  offsets.finish(1);
  offsets.give_back(2, {0, 1});
  auto next = *Offsets::decode(offsets.base(), offsets.encode());
  EXPECT_EQ(next.give_back_all({1, 0}), 2U);
  EXPECT_EQ(next.counts(0).crashes, 1U);
  EXPECT_EQ(next.counts(2).crashes, 0U);
  EXPECT_EQ(next.counts(2).give_backs, 1U);
  EXPECT_EQ(next.counts(3).crashes, 1U);
  EXPECT_EQ(next.counts(4).crashes, 0U);
  EXPECT_EQ(next.give_back_all({1, 0}), 0U) << "nothing was handed out since";
}

TEST(KafkaOffsets, WhatCannotBeReadIsNothingAtAll) {
  Offsets offsets(5);
  for (std::int64_t o = 5; o < 90; ++o) offsets.hand_out(o);
  for (std::int64_t o = 6; o < 90; o += 2) offsets.finish(o);
  const std::string text = offsets.encode();
  for (std::size_t n = 0; n < text.size(); ++n)
    EXPECT_FALSE(Offsets::decode(5, text.substr(0, n))) << "cut after " << n;
  EXPECT_FALSE(Offsets::decode(5, "not base64!"));
  std::string huge("\1\0", 2);  // it says that so many are handed out
  put_number(huge, 7);
  put_number(huge, 1ULL << 35U);
  huge += '\0';
  std::string runs;
  put_number(runs, 1ULL << 35U);
  put_text(huge, runs);
  huge += std::string(3, '\0');
  EXPECT_FALSE(Offsets::decode(5, to_base64(huge)));
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {  // whatever it makes of it, it ends
    std::string broken = text;
    broken[random() % broken.size()] = static_cast<char>(random());
    static_cast<void>(Offsets::decode(5, broken));
  }
}

TEST(KafkaOffsets, FitIntoTheMetadataWhateverIsDone) {
  Offsets offsets(0);
  std::int64_t next = 1;  // 0 is the job that never ends
  offsets.hand_out(0);
  std::mt19937 random(3);
  for (; offsets.has_room() && next < 2'000'000; ++next) {
    offsets.hand_out(next);
    if (random() % 2 == 0) offsets.finish(next);
    if (next % 100 == 0) {
      ASSERT_LE(offsets.encode().size(), 4096U);
    }
  }
  EXPECT_LE(offsets.encode().size(), 4096U);
  EXPECT_GE(next, 12'000);
  Offsets dense(0);  // one long job, and all else done: any number
  dense.hand_out(0);
  for (std::int64_t o = 1; o < 1'000'000; ++o) {
    ASSERT_TRUE(dense.has_room());
    dense.hand_out(o);
    dense.finish(o);
    if (o % 100'000 == 0) {
      ASSERT_LE(dense.encode().size(), 100U);
    }
  }
}

TEST(KafkaOffsets, WhatAnOperatorRemovedStaysRemovedAndWhatWaitsIsNotHandedOut) {
  Offsets offsets(10);
  offsets.hand_out(10);
  offsets.hand_out(11);
  offsets.give_back(11, {0, 1});
  const auto held = [&](std::int64_t o) { return offsets.is_held(o); };
  const Ranges asked = offsets.removable(10, 1'000'000, held);
  EXPECT_EQ(asked.total(), 999'989) << "10 is handed out";
  offsets.remove(11, 12);
  offsets.remove(20, 21);
  offsets.remove(500, 900'000);
  auto next = *Offsets::decode(offsets.base(), offsets.encode());
  EXPECT_EQ(next.next(), 12);
  EXPECT_EQ(next.held(), 1);
  EXPECT_EQ(next.give_back_all({1, 0}), 1U);
  for (const std::int64_t o : {11, 20, 500, 899'999}) EXPECT_TRUE(next.is_done(o)) << o;
  for (const std::int64_t o : {10, 12, 19, 21, 499, 900'000}) EXPECT_FALSE(next.is_done(o)) << o;
  for (std::int64_t o = 10; o < 20; ++o) next.finish(o);
  EXPECT_EQ(next.base(), 21) << "what was removed is passed over";
}

TEST(KafkaOffsets, HaveRoomForSoManyHolesAsFitIntoTheMetadata) {
  Offsets offsets(0);
  offsets.hand_out(0);
  std::int64_t at = 1000;
  for (; offsets.can_remove(at, at + 1) && at < 10'000'000; at += 1000) offsets.remove(at, at + 1);
  EXPECT_GE(at, 300'000);
  EXPECT_LE(offsets.encode().size(), 4096U);
  EXPECT_TRUE(offsets.has_room()) << "nothing else can be handed out";
  EXPECT_FALSE(offsets.can_remove(1, 3)) << "it would be one hole more";
  EXPECT_TRUE(offsets.can_remove(1001, 1003)) << "it makes one larger";
  EXPECT_TRUE(offsets.can_remove(998, 1000));
  EXPECT_TRUE(offsets.can_remove(1, 1000)) << "of two it makes one";
  const auto next = *Offsets::decode(0, offsets.encode());
  EXPECT_TRUE(next.is_done(1000));
  EXPECT_TRUE(next.is_done(at - 1000));
  EXPECT_FALSE(next.is_done(at));
}

TEST(KafkaOffsets, OneAloneFitsBesideAsManyHolesAsACommitCanHave) {
  constexpr std::int64_t kFar = 1 << 27;
  Offsets offsets(0);
  for (std::int64_t i = 0; i < 375; ++i) offsets.remove(kFar * (2 * i + 1), kFar * (2 * i + 2));
  offsets.skip(0, kFar - 1);
  ASSERT_TRUE(offsets.has_room());
  offsets.hand_out(kFar - 1);
  EXPECT_FALSE(offsets.has_room());
  offsets.owner = UINT64_MAX;
  EXPECT_LE(offsets.encode().size(), 4096U);
  offsets.give_back(kFar - 1, {1, 1});
  EXPECT_LE(offsets.encode().size(), 4096U);
}

TEST(KafkaOffsets, MarkersBetweenWhatIsRemovedTakeNoRoom) {
  Offsets offsets(0);
  offsets.hand_out(0);
  for (std::int64_t o = 11; o < 9'000; o += 2) offsets.skip(o, o + 1);
  for (std::int64_t o = 8'998; o >= 10; o -= 2) {  // the last first, as they are handed on
    ASSERT_TRUE(offsets.has_room()) << o;
    offsets.finish(o);
  }
  EXPECT_LE(offsets.encode().size(), 100U);
  const auto next = *Offsets::decode(0, offsets.encode());
  for (const std::int64_t o : {10, 11, 8'998}) EXPECT_TRUE(next.is_done(o)) << o;
  for (const std::int64_t o : {0, 9, 9'000}) EXPECT_FALSE(next.is_done(o)) << o;
}

// As its owner does all of it, in any order: against a plain set.
TEST(KafkaOffsets, AgreeWithAPlainSetWhateverIsDone) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    Offsets offsets(0);
    std::set<std::int64_t> done, held;
    std::int64_t arrived = 0;
    for (int step = 0; step < 200; ++step) {
      const std::int64_t any = random() % (arrived + 20);
      switch (random() % 4) {
        case 0:
          if (done.contains(arrived) || held.contains(arrived)) break;
          offsets.hand_out(arrived);
          held.insert(arrived);
          break;
        case 1:
          if (held.empty()) break;
          offsets.finish(*held.begin());
          done.insert(*held.begin());
          held.erase(held.begin());
          break;
        case 2:
          if (held.contains(any)) break;
          offsets.remove(any, any + 1);
          done.insert(any);
          break;
        default:
          if (held.contains(arrived)) break;
          offsets.skip(arrived, arrived + 1);
          done.insert(arrived);
      }
      while (done.contains(arrived) || held.contains(arrived)) ++arrived;
      for (std::int64_t o = 0; o < arrived + 20; ++o) {
        ASSERT_EQ(offsets.is_done(o), done.contains(o)) << o << " in round " << round;
        ASSERT_EQ(offsets.is_held(o), held.contains(o)) << o << " in round " << round;
      }
      ASSERT_EQ(offsets.held(), static_cast<std::int64_t>(held.size()));
    }
    const auto read = *Offsets::decode(offsets.base(), offsets.encode());
    for (std::int64_t o = 0; o < offsets.next(); ++o)
      ASSERT_EQ(read.is_done(o), done.contains(o)) << o << " in round " << round;
  }
}

std::string value_of(int n) {
  gander_message m{};
  m.id.bytes[15] = static_cast<std::uint8_t>(n);
  std::string value;
  sdk::write_message(m, "", 0, value);
  return value;
}

TEST(KafkaStock, GapsInTheLogAreDone) {
  Stock stock(1);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  EXPECT_TRUE(stock.arrive(p, 3, value_of(1)));  // 0 to 2 are markers, or were compacted
  EXPECT_FALSE(stock.arrive(p, 3, value_of(1))) << "it has arrived before";
  EXPECT_EQ(p.offsets.base(), 3);
}

// Or a worker's death would count a crash for them, and three such a dead letter of a job that
// never ran.
TEST(KafkaStock, WhatOnlyWaitsBeforeAMarkerIsNotTakenForHandedOut) {
  Stock stock(1);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  for (const std::int64_t offset : {0, 1, 3, 5})  // 2 and 4 are markers
    stock.arrive(p, offset, value_of(static_cast<int>(offset)));
  auto next = *Offsets::decode(p.offsets.base(), p.offsets.encode());
  EXPECT_EQ(next.give_back_all({1, 0}), 0U) << "nothing was handed out";
  sdk::Batch batch;
  stock.take({sdk::str("q"), 3, 0}, 0, "w", batch);
  ASSERT_EQ(batch.size(), 3U);
  next = *Offsets::decode(p.offsets.base(), p.offsets.encode());
  EXPECT_EQ(next.give_back_all({1, 0}), 3U);
  EXPECT_EQ(next.counts(5).crashes, 0U);
}

TEST(KafkaStock, WhatWasTakenAndNeverLeftComesAgainInItsOrder) {
  Stock stock(1);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1, made.careful = true;
  Partition& p = stock.assign(std::move(made));
  for (const std::int64_t offset : {0, 1, 2, 3})
    stock.arrive(p, offset, value_of(static_cast<int>(offset)));
  const auto take = [&](std::uint32_t n) {
    sdk::Batch batch;
    stock.take({sdk::str("q"), n, 0}, 0, "w", batch);
    return batch.size();
  };
  ASSERT_EQ(take(1), 1U);
  const std::uint64_t before = stock.last_receipt();
  ASSERT_EQ(take(2), 2U);
  stock.take_back(before, 2);
  EXPECT_TRUE(p.careful) << "nothing of it has run";
  EXPECT_EQ(p.held.size(), 1U) << "what others hold stays theirs";
  EXPECT_EQ(p.offsets.give_back_all({1, 0}), 1U);
  EXPECT_EQ(take(9), 3U);
  EXPECT_EQ(p.offsets.counts(1).give_backs, 0U);
}

TEST(KafkaStock, WhatIsHandedOnIsBoundedByItsBytesAndIsAtLeastOne) {
  Stock stock(1);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  const std::string body(100, 'x');
  for (const std::int64_t offset : {0, 1, 2, 3}) {
    gander_message m{};
    m.body = sdk::bytes(body);
    std::string value;
    sdk::write_message(m, "", 0, value);
    stock.arrive(p, offset, value);
  }
  EXPECT_EQ(stock.remove_last("q", 1, 9, 250).size(), 2U);
  EXPECT_EQ(stock.remove_last("q", 1, 9, 50).size(), 1U);
}

// A partition whose map is full waits for one that holds it up, and loses nothing by it.
TEST(KafkaStock, WithoutRoomInTheMapNothingIsHandedOutUntilThereIs) {
  constexpr std::uint64_t kAll = 60'000;
  Stock stock(0);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  const auto message_of = [](std::uint64_t n) {
    gander_message m{};
    std::memcpy(m.id.bytes, &n, sizeof n);
    m.receipt[0] = n + 1;  // as they are handed out in order
    return m;
  };
  for (std::uint64_t n = 0; n < kAll; ++n) {
    std::string value;
    sdk::write_message(message_of(n), "", 0, value);
    ASSERT_TRUE(stock.arrive(p, static_cast<std::int64_t>(n), value));
  }
  const auto take = [&] {
    sdk::Batch more;
    stock.take({sdk::str("q"), kAll, 0}, 0, "w", more);
    return more.size();
  };
  std::uint64_t taken = take(), done = 0;
  EXPECT_GE(taken, 300U);
  EXPECT_LT(taken, kAll);
  while (taken < kAll) {
    EXPECT_EQ(take(), 0U);
    EXPECT_FALSE(stock.waits("q", 1)) << "what waits for room is not to be asked for";
    for (; done < taken; ++done) {
      Delivery* delivery = stock.find(message_of(done), "w");
      ASSERT_NE(delivery, nullptr) << done << " was not handed out in its turn";
      stock.finish(*delivery);
    }
    const std::size_t more = take();
    ASSERT_GT(more, 0U) << "it stands still after " << taken;
    taken += more;
    ASSERT_LE(p.offsets.encode().size(), 4096U);
  }
  EXPECT_EQ(taken, kAll);
}

TEST(KafkaStock, WhatIsParkedAndComesBackIsStillHandedOut) {
  Stock stock(1);
  Partition made;
  made.topic = "t", made.queue = "q", made.priority = 1;
  Partition& p = stock.assign(std::move(made));
  stock.arrive(p, 0, value_of(1));
  sdk::Batch batch;
  const gander_take take{sdk::str("q"), 10, 0};
  stock.take(take, 0, "w", batch);
  ASSERT_EQ(batch.size(), 1U);
  gander_message held{};
  held.id.bytes[15] = 1;
  held.receipt[0] = 2;
  stock.park_all();
  ASSERT_NE(stock.find(held, "w"), nullptr);
  stock.parked("t", 0)->owned = true;
  stock.forget_parked();
  EXPECT_NE(stock.find(held, "w"), nullptr);
  stock.park_all();
  stock.forget_parked();
  EXPECT_EQ(stock.find(held, "w"), nullptr) << "it is another's now";
}

}  // namespace
}  // namespace gander::kafka
