// The bytes that brokers keep of a message.
#include <gtest/gtest.h>
#include <gander/sdk/message_bytes.hpp>

#include <algorithm>

namespace gander::sdk {
namespace {

const std::string kBody("{\"v\":1}\0\xFF", 9);

gander_message full() {
  gander_message m{};
  std::fill(std::begin(m.id.bytes), std::end(m.id.bytes), std::uint8_t{0xA7});
  m.priority = GANDER_PRIORITY_LOW;
  m.enqueued_at_us = 1'700'000'000'000'000, m.run_at_us = 2, m.first_failed_at_us = -3;
  m.failed_at_us = INT64_MAX;
  m.attempts = 4, m.crashes = 5, m.give_backs = UINT32_MAX, m.flags = 7;
  m.body = bytes(kBody), m.note = str("why");
  return m;
}

std::string written(const gander_message& m, std::string_view queue, std::uint32_t state) {
  std::string out;
  write_message(m, queue, state, out);
  return out;
}

void expect_same(const gander_message& a, const gander_message& b) {
  EXPECT_EQ(view(a.id), view(b.id));
  EXPECT_EQ(view(a.body), view(b.body));
  EXPECT_EQ(view(a.note), view(b.note));
  EXPECT_EQ(a.priority, b.priority);
  for (const auto field : {&gander_message::enqueued_at_us, &gander_message::run_at_us,
                           &gander_message::first_failed_at_us, &gander_message::failed_at_us})
    EXPECT_EQ(a.*field, b.*field);
  for (const auto field : {&gander_message::attempts, &gander_message::crashes,
                           &gander_message::give_backs, &gander_message::flags})
    EXPECT_EQ(a.*field, b.*field);
}

TEST(MessageBytes, EveryFieldComesBack) {
  const std::string bytes = written(full(), "mail", GANDER_STATE_RETRY);
  const gander_message back = read_message(bytes);
  expect_same(back, full());
  EXPECT_EQ(view(back.queue), "mail");
  EXPECT_EQ(back.state, static_cast<std::uint32_t>(GANDER_STATE_RETRY));
}

TEST(MessageBytes, WhatIsZeroTakesNoRoom) {
  gander_message m{};
  m.body = bytes(kBody);
  const std::string bytes = written(m, "", 0);
  EXPECT_EQ(bytes.size(), kMessageFixedBytes + kBody.size());
  expect_same(read_message(bytes), m);
}

TEST(MessageBytes, StandAtThePlacesThatScriptsRead) {
  const std::string bytes = written(full(), "mail", 0);
  EXPECT_EQ(bytes.substr(4, 16), std::string(16, '\xA7'));
  EXPECT_EQ(bytes.substr(20, 4), std::string("\5\0\0\0", 4));
  EXPECT_EQ(bytes.substr(24, 4), std::string(4, '\xFF'));
  EXPECT_EQ(bytes.substr(28, 4), std::string("\x09\0\0\0", 4));
  EXPECT_EQ(bytes.substr(3, 1), "\4");
  EXPECT_EQ(bytes.substr(40, 4), "mail");
}

TEST(MessageBytes, CutAnywhereTheyAreCorrupt) {
  const std::string bytes = written(full(), "mail", 1);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(find_message(std::string_view(bytes).substr(0, n)).has_value()) << n;
  }
  EXPECT_TRUE(find_message(bytes).has_value());
}

TEST(MessageBytes, OfANewerVersionOrAnotherProgramAreCorruptAndSaySo) {
  std::string newer = written(full(), "mail", 1);
  newer[0] = 2;
  try {
    read_message(newer);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), GANDER_CORRUPT);
    EXPECT_NE(std::string(e.what()).find("version 2"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(find_message("hello, is this a job?").has_value());
  std::string no_priority = written(full(), "mail", 1);
  no_priority[1] = 3;
  EXPECT_FALSE(find_message(no_priority).has_value());
}

TEST(MessageBytes, ANoteThatIsTooLongIsCut) {
  const std::string note(70'000, 'n');
  gander_message m{};
  m.note = str(note);
  const std::string bytes = written(m, "q", 0);
  EXPECT_EQ(view(read_message(bytes).note).size(), 65'535U);
}

}  // namespace
}  // namespace gander::sdk
