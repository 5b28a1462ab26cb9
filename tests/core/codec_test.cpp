// Arguments there and back, and what is refused on the way.
#include <gander/error.h>
#include <gander/job.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace std::chrono_literals;

template <class T>
std::string written(const T& value) {
  gander::Writer out;
  gander::Codec<T>::write(out, value);
  return std::string(out.text());
}

template <class T>
T read_back(std::string_view json) {
  gander::Document document;
  return gander::Codec<T>::read(document.parse(json, "value"));
}

template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(read_back<T>(written(value)), value) << written(value);
}

template <class T>
std::string refusal(std::string_view json) {
  try {
    read_back<T>(json);
  } catch (const gander::DecodeError& e) {
    return e.what();
  }
  return "nothing was refused";
}

struct Order {
  int id = 0;
  std::vector<std::string> items;
  std::optional<double> price;
  bool operator==(const Order&) const = default;
};
constexpr auto gander_fields(Order*) {
  return std::tuple{gander::field("id", &Order::id), gander::field("items", &Order::items),
                    gander::field("price", &Order::price)};
}
enum class Colour : std::uint8_t { red = 1, green = 200 };

TEST(Codec, BringsEveryKnownTypeBack) {
  expect_round_trip(true);
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip(std::numeric_limits<std::uint64_t>::max());
  expect_round_trip(std::int8_t{-128});
  expect_round_trip(0.1);
  expect_round_trip(std::numeric_limits<double>::denorm_min());
  expect_round_trip(std::string("a \"quote\", a \\, \n, \0 and é", 24));
  expect_round_trip(std::vector<std::vector<int>>{{1, 2}, {}, {3}});
  expect_round_trip(std::map<std::string, std::optional<int>>{{"a", 1}, {"b", std::nullopt}});
  expect_round_trip(std::tuple{1, std::string("x"), std::pair{2.5, false}});
  expect_round_trip(std::chrono::milliseconds(1500));
  expect_round_trip(std::chrono::time_point_cast<std::chrono::microseconds>(
      std::chrono::system_clock::time_point{1'700'000'000s}));
  expect_round_trip(Colour::green);
  expect_round_trip(Order{7, {"tea", "milk"}, 2.5});
}

TEST(Codec, NamesThePlaceAndWhatWasWanted) {
  EXPECT_EQ(refusal<std::int8_t>("300"), "value: 300 is not within -128 to 127");
  EXPECT_EQ(refusal<std::uint32_t>("-1"), "value: -1 is not within 0 to 4294967295");
  EXPECT_EQ(refusal<int>("\"7\""), "value: expected an integer, found a string");
  EXPECT_EQ(refusal<int>("7.5"),
            "value: expected an integer, found a fraction or a number beyond 64 bits");
  EXPECT_EQ(refusal<Order>(R"({"id":1,"items":["tea",5]})"),
            "value.items[1]: expected a string, found a number");
  EXPECT_EQ(refusal<Order>(R"({"items":[]})"),
            "value.(missing member): expected an integer, found null");
  EXPECT_EQ((refusal<std::pair<int, int>>("[1]")), "value: expected 2 values, found 1");
}

TEST(Codec, RefusesWhatIsNotJson) {
  EXPECT_NE(refusal<int>("[1,").find("not valid JSON at byte"), std::string::npos);
  EXPECT_NE(refusal<int>("NaN").find("not valid JSON at byte 0"), std::string::npos);
  EXPECT_NE(refusal<std::string>("\"\xff\"").find("not valid JSON"), std::string::npos);
}

TEST(Codec, ADepthBombCostsAnErrorAndNotTheStack) {
  const std::string bomb = std::string(500'000, '[') + std::string(500'000, ']');
  EXPECT_NE(refusal<int>(bomb).find("expected an integer"), std::string::npos);
}

TEST(Codec, RefusesToWriteWhatJsonCannotHold) {
  EXPECT_THROW(written(std::nan("")), gander::Error);
  EXPECT_THROW(written(std::numeric_limits<double>::infinity()), gander::Error);
  EXPECT_THROW(written(std::string("\xc3")), gander::Error);
}

std::string seen;
void remember(std::string_view to, int id, const std::vector<int>& more) {
  seen = std::string(to) + std::to_string(id) + std::to_string(more.size());
}
void with_context(gander::Context& context, double x) {
  seen = std::string(context.job) + std::to_string(static_cast<int>(x));
}
constexpr gander::Job<"test.remember", remember> kRemember;
constexpr gander::Job<"test.context", with_context, 3> kWithContext;

TEST(Job, WritesArgumentsAsTheFunctionsTypesAndCallsIt) {
  gander::Writer out;
  kRemember.write_args(out, "ada", short{7}, std::vector<int>{1, 2});
  EXPECT_EQ(out.text(), R"(["ada",7,[1,2]])");
  gander::Document document;
  gander::Context context;
  kRemember.run(context, document.parse(out.text(), "args"));
  EXPECT_EQ(seen, "ada72");
}

TEST(Job, MayTakeTheContextFirst) {
  gander::Document document;
  gander::Context context;
  context.job = kWithContext.name();
  kWithContext.run(context, document.parse("[4]", "args"));  // an integer reads as a double
  EXPECT_EQ(seen, "test.context4");
  EXPECT_EQ(kWithContext.version(), 3);
}

TEST(Job, WrongArityFromTheWireIsNamed) {
  gander::Document document;
  gander::Context context;
  try {
    kRemember.run(context, document.parse("[1]", "args"));
    FAIL();
  } catch (const gander::DecodeError& e) {
    EXPECT_STREQ(e.what(), "args: expected 3 values, found 1");
  }
}

}  // namespace
