#include <gander/error.h>
#include <gander/id.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

namespace {

using gander::Id;

TEST(Id, RisesWithinAThreadAndNeverRepeatsAcrossThem) {
  constexpr int kEach = 50'000;
  std::vector<std::vector<Id>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& list : made)
      threads.emplace_back([&list] {
        for (int i = 0; i < kEach; ++i) list.push_back(Id::make());
      });
  }
  std::set<Id> all;
  for (const auto& list : made) {
    EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
    all.insert(list.begin(), list.end());
  }
  EXPECT_EQ(all.size(), 4U * kEach);
}

TEST(Id, IsAUuidOfVersion7) {
  const std::string text = Id::make().to_string();
  EXPECT_EQ(text.size(), 36U);
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
}

TEST(Id, TextGoesThereAndBack) {
  const Id id = Id::make();
  EXPECT_EQ(Id::parse(id.to_string()), id);
  EXPECT_EQ(Id::parse("018F3B1E-0000-7000-8000-00000000000A").to_string(),
            "018f3b1e-0000-7000-8000-00000000000a");
}

TEST(Id, RefusesOtherText) {
  for (const char* text :
       {"", "x", "018f3b1e-0000-7000-8000-00000000000", "018f3b1e_0000-7000-8000-00000000000a",
        "018f3b1g-0000-7000-8000-00000000000a"})
    EXPECT_THROW(Id::parse(text), gander::Error) << text;
}

TEST(Id, OneKeyIsOneId) {
  EXPECT_EQ(Id::from_key("order-42"), Id::from_key("order-42"));
  EXPECT_NE(Id::from_key("order-42"), Id::from_key("order-43"));
}

// Two children of one parent would else make the same ids, and the second message of each pair be
// lost as a duplicate.
TEST(Id, ChildrenOfAForkMakeIdsOfTheirOwn) {
  static_cast<void>(Id::make());
  std::set<std::string> all;
  constexpr int kChildren = 20;
  for (int child = 0; child < kChildren; ++child) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      const std::string id = Id::make().to_string();
      _exit(write(ends[1], id.data(), id.size()) == 36 ? 0 : 1);
    }
    char text[36];
    ASSERT_EQ(read(ends[0], text, sizeof(text)), 36);
    all.emplace(text, sizeof(text));
    waitpid(pid, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kChildren));
}

}  // namespace
