// What an application is told through libgander of what RabbitMQ cannot do.
#include <gander/admin.h>
#include <gander/config.h>
#include <gander/gander.h>
#include <gmock/gmock.h>

#include "../support/eventually.h"
#include "server.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

void nothing() {}
constexpr gander::Job<"public.nothing", nothing> kNothing;

class RabbitPublic : public RabbitTest {
 protected:
  void SetUp() override {
    RabbitTest::SetUp();
    if (IsSkipped()) return;
    over.emplace(url);
    queue = prefix;
  }
  Id dead_letter(const char* why) {
    gander::Worker worker(*over, config());
    worker.add("public.dies", 1, [why](Context&, const Reader&) { throw Discard(why); });
    const Id id = Client(*over).on(queue).enqueue_json("public.dies", "[]");
    worker.start();
    Admin admin(*over);
    EXPECT_TRUE(eventually([&] {
      const auto dead = admin.list(State::dead, queue);
      return std::ranges::any_of(dead, [&](const MessageView& m) { return m.id == id; });
    }));
    worker.stop();
    return id;
  }
  [[nodiscard]] Config config() const {
    Config made;
    made.worker.queues = {queue};
    return made;
  }
  std::string text_of_unsupported(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::unsupported) << e.what();
      return e.what();
    }
    ADD_FAILURE() << "it threw no Error";
    return {};
  }

  std::optional<gander::Broker> over;
  std::string queue;
};

TEST_F(RabbitPublic, WhatCannotBeFoundByIdIsAnErrorAndNotZero) {
  const Id dead = dead_letter("for the test");
  const Id ready = Client(*over).on(queue).enqueue(kNothing);
  Admin admin(*over);
  const std::string text = text_of_unsupported([&] { admin.remove({dead, ready}); });
  EXPECT_THAT(text, HasSubstr("cannot delete messages for 1 of 2 ids"));
  EXPECT_THAT(text, HasSubstr("done for 1"));
  EXPECT_TRUE(admin.list(State::dead, queue).empty());
  text_of_unsupported([&] { admin.kill({ready}, "no"); });
  text_of_unsupported([&] { admin.move({ready}, "elsewhere"); });
}

TEST_F(RabbitPublic, ADeadLetterIsReplayedThoughNoQueueHasAFront) {
  const Id dead = dead_letter("for the test");
  EXPECT_EQ(Admin(*over).replay({dead}), 1U);
  gander::Worker worker(*over, config());
  std::atomic<int> runs = 0;
  worker.add("public.dies", 1, [&](Context&, const Reader&) { ++runs; });
  worker.start();
  EXPECT_TRUE(eventually([&] { return runs == 1; }));
  worker.stop();
}

TEST_F(RabbitPublic, ADelayBeyondTheCascadeNamesTheLongestAndAWayOut) {
  const auto far = Client(*over).on(queue).in(std::chrono::hours(24 * 366 * 9));
  const std::string text = text_of_unsupported([&] { far.enqueue(kNothing); });
  EXPECT_THAT(text, HasSubstr("268435455 s"));
  EXPECT_THAT(text, HasSubstr("another broker"));
  EXPECT_THAT(text_of_unsupported([&] { far.enqueue_all(kNothing, std::vector<std::tuple<>>(2)); }),
              HasSubstr("docs/brokers/README.md"));
}

}  // namespace
}  // namespace gander::test
