// What a plugin keeps in its own memory: messages, names, and the leases of incarnations.
#include <gtest/gtest.h>
#include <gander/sdk/leases.hpp>
#include <gander/sdk/message.hpp>

#include <optional>
#include <vector>

namespace {

using namespace gander::sdk;

gander_message message(std::string_view queue, std::string_view body, std::string_view note) {
  gander_message m{};
  m.id.bytes[15] = 7;
  m.queue = str(queue), m.body = bytes(body), m.note = str(note);
  m.run_at_us = 42, m.attempts = 3, m.receipt[1] = 9;
  return m;
}

void expect(const OwnedMessage& m, std::string_view queue, std::string_view body,
            std::string_view note) {
  EXPECT_EQ(view(m.queue), queue);
  EXPECT_EQ(view(m.body), body);
  EXPECT_EQ(view(m.note), note);
}

TEST(OwnedMessage, OutlivesWhatItWasCopiedFrom) {
  std::optional<std::string> queue("mail"), body(std::string("a\0b", 3)), note("why");
  const OwnedMessage kept(message(*queue, *body, *note));
  for (auto* text : {&queue, &body, &note}) (*text)->assign((*text)->size(), '!'), text->reset();
  expect(kept, "mail", std::string_view("a\0b", 3), "why");
  EXPECT_EQ(kept.id.bytes[15], 7);
  EXPECT_EQ(kept.run_at_us, 42);
  EXPECT_EQ(kept.attempts, 3U);
  EXPECT_EQ(kept.receipt[1], 9U);
}

TEST(OwnedMessage, TakesEmptyTextsAndNullPointers) {
  gander_message bare{};
  const OwnedMessage none;
  const OwnedMessage kept(bare);
  expect(none, "", "", "");
  expect(kept, "", "", "");
}

TEST(OwnedMessage, CanBeAssignedFromItselfAndFromItsOwnBytes) {
  OwnedMessage kept(message("mail", "body", "note"));
  kept.assign(kept);
  expect(kept, "mail", "body", "note");
  gander_message turned = kept;
  turned.body = bytes(view(kept.note)), turned.note = str(view(kept.body));
  kept.assign(turned);
  expect(kept, "mail", "note", "body");
}

TEST(OwnedMessage, AMoveTakesTheBytesAlongAndLeavesNothing) {
  OwnedMessage from(message("mail", "body", "note"));
  const char* const where = from.queue.ptr;
  OwnedMessage to(std::move(from));
  expect(to, "mail", "body", "note");
  EXPECT_EQ(to.queue.ptr, where);
  expect(from, "", "", "");  // NOLINT: what is left is told
  to = OwnedMessage(message("pictures", "", "x"));
  expect(to, "pictures", "", "x");
}

TEST(IdMap, TellsIdsApartByEveryByte) {
  IdMap<int> map;
  for (int byte = 0; byte < 16; ++byte) {
    gander_id id{};
    id.bytes[byte] = 1;
    EXPECT_TRUE(map.try_emplace(id, byte).second);
  }
  gander_id last{};
  last.bytes[15] = 1;
  EXPECT_EQ(map.at(last), 15);
  EXPECT_EQ(map.size(), 16U);
}

TEST(NameMap, FindsWhatWasPutUnderAName) {
  NameMap<int> map;
  map["mail"] += 2;
  map[std::string_view("mailbox").substr(0, 4)] += 3;
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(map["mail"], 5);
  EXPECT_EQ(map["new"], 0);
}

using Held = std::vector<int>;

template <class Function>
gander_status code_of(Function&& function) {
  try {
    function();
  } catch (const Error& e) {
    return e.code();
  }
  return GANDER_OK;
}

TEST(Leases, AnIncarnationBeginsOnceAndEndsOnce) {
  Leases<Held> leases(1000);
  leases.begin("a", 0).push_back(1);
  EXPECT_EQ(leases.of("a"), Held{1});
  EXPECT_EQ(code_of([&] { leases.begin("a", 0); }), GANDER_INVALID_STATE);
  EXPECT_EQ(leases.of("a"), Held{1}) << "the refused one took the place";
  Held handed;
  const auto hand_on = [&](Held& held) { handed.swap(held); };
  leases.end("a", hand_on);
  EXPECT_EQ(handed, Held{1});
  handed.clear();
  leases.end("a", hand_on);
  EXPECT_EQ(handed, Held{}) << "it was handed on twice";
  EXPECT_EQ(code_of([&] { leases.of("a"); }), GANDER_LEASE_LOST);
  EXPECT_EQ(code_of([&] { leases.renew("a", 0); }), GANDER_LEASE_LOST);
}

TEST(Leases, OnlyThoseNotRenewedExpire) {
  Leases<Held> leases(1000);
  leases.begin("dead", 0).push_back(1);
  leases.begin("alive", 0).push_back(2);
  std::vector<Held> handed;
  const auto hand_on = [&](Held& held) { handed.push_back(held); };
  leases.expire(1000, hand_on);
  EXPECT_TRUE(handed.empty()) << "a lease lasts its whole length";
  leases.renew("alive", 1001);
  leases.expire(1001, hand_on);
  EXPECT_EQ(handed, std::vector<Held>{Held{1}});
  EXPECT_EQ(code_of([&] { leases.of("dead"); }), GANDER_LEASE_LOST);
  EXPECT_EQ(leases.of("alive"), Held{2});
}

TEST(Leases, AClockSetBackKeepsNoDeadAlive) {
  Leases<Held> leases(1000);
  leases.begin("a", 1'000'000);
  int n = 0;
  const auto count = [&](Held&) { ++n; };
  leases.expire(0, count);
  leases.expire(1000, count);
  EXPECT_EQ(n, 0);
  leases.expire(1001, count);
  EXPECT_EQ(n, 1);
}

TEST(Leases, WhatCouldNotBeHandedOnIsTriedAgain) {
  Leases<Held> leases(1000);
  leases.begin("a", 0).push_back(1);
  const auto full = [](Held&) { throw std::bad_alloc(); };
  EXPECT_THROW(leases.expire(2000, full), std::bad_alloc);
  Held handed;
  leases.expire(2000, [&](Held& held) { handed.swap(held); });
  EXPECT_EQ(handed, Held{1});
}

}  // namespace
