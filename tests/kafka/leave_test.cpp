// Workers that close at a bad moment: nobody waits for one that is no more.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

#include "cluster.h"

namespace gander::test {
namespace {

using namespace std::chrono_literals;

// Says when a worker has begun to wait for the group's answer.
struct Listening : FakeHost {
  Listening() {
    table.log = [](const gander_host* h, std::int32_t, gander_str text, const gander_kv*,
                   std::size_t) noexcept {
      if (std::string_view(text.ptr, text.len).find("leaving when it has") != std::string::npos)
        static_cast<Listening*>(static_cast<FakeHost*>(h->host_data))->waits = true;
    };
    table.log_enabled = [](const gander_host*, std::int32_t) noexcept -> std::int32_t { return 1; };
  }
  std::atomic<bool> waits{false};
};

TEST(KafkaLeave, WhoClosesWhileTheGroupSharesOutLeavesNoMemberBehind) {
  GANDER_REQUIRE_SERVER(url, "kafka");
  Cluster cluster(url);
  FakeHost quiet;
  Listening host;
  Broker steady = broker_on(quiet, url, cluster.prefix());
  steady.open(GANDER_ROLE_PRODUCE).enqueue({message(1)});
  std::optional<Straggler> straggler(std::in_place, cluster, cluster.prefix() + ".q.default.1");
  // With a lease longer than any of these waits.
  std::optional<Broker> guest(broker_on(host, url, cluster.prefix(),
                                        {{"lease_ms", "150000"}, {"connect_timeout_ms", "2000"}}));
  std::optional<Session> session(consumer_on(*guest, "guest"));
  EXPECT_EQ(cluster.group(), (std::pair<std::string, int>("PreparingRebalance", 2)));
  auto closed = std::async(std::launch::async, [&] { session.reset(), guest.reset(); });
  EXPECT_TRUE(
      eventually([&] { return host.waits || closed.wait_for(0s) == std::future_status::ready; }));
  straggler.reset();
  closed.get();
  EXPECT_TRUE(eventually([&] { return cluster.group().second == 0; })) << "a member was left";
}

}  // namespace
}  // namespace gander::test
