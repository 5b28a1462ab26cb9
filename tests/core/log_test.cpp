#include "log.h"

#include <gander/spdlog.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <spdlog/sinks/ostream_sink.h>

#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gander {
namespace {

constexpr long long kNoon = 1'769'860'800'123'456;  // 2026-01-31T12:00:00.123456Z

std::string line(LogFormat format, std::string_view text, std::vector<LogField> fields = {}) {
  return format_log_line(format, kNoon, LogLevel::warn, text, fields);
}

class Log : public testing::Test {
 protected:
  void TearDown() override {
    set_logger({});
    set_log_level(LogLevel::info);
    set_log_format(LogFormat::text);
  }
};

TEST_F(Log, TextIsOneLineWithItsFields) {
  EXPECT_EQ(
      line(LogFormat::text, "job failed",
           {{"id", "0190"}, {"error", "no \"route\" = bad"}, {"empty", ""}}),
      R"(2026-01-31T12:00:00.123Z warn  job failed id=0190 error="no \"route\" = bad" empty="")");
}

TEST_F(Log, TextCannotBeForgedIntoASecondLine) {
  const std::string text = line(LogFormat::text, "a\nb", {{"k", "c\r\n\x1b[31m"}});
  EXPECT_NE(text.find(R"(a\nb k=c\r\n\x1b[31m)"), std::string::npos) << text;
  for (const char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
}

TEST_F(Log, JsonIsOneValidObjectWhateverItHolds) {
  const std::string hostile =
      "q\" \\ \n \x01 \x7f \xff \xc0\xaf \xed\xa0\x80 \xe2\x82 \u20ac \U0001F980";
  const std::string text = line(LogFormat::json, hostile, {{"id", "0190"}, {"err\"or", hostile}});
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.c_str());
  ASSERT_FALSE(document.HasParseError()) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_STREQ(document["ts"].GetString(), "2026-01-31T12:00:00.123Z");
  EXPECT_STREQ(document["level"].GetString(), "warn");
  EXPECT_STREQ(document["id"].GetString(), "0190");
  const std::string message = document["msg"].GetString();
  EXPECT_EQ(message.find("q\" \\ \n \x01 \x7f \uFFFD \uFFFD\uFFFD "), 0U) << message;
  EXPECT_NE(message.find("\u20ac \U0001F980"), std::string::npos);
  EXPECT_EQ(message, document["err\"or"].GetString());
}

TEST_F(Log, TheDefaultGoesToStandardError) {
  set_log_format(LogFormat::json);
  testing::internal::CaptureStderr();
  log(LogLevel::debug, "too low");
  log(LogLevel::error, "brace {} stays", {{"queue", "mail"}});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(std::regex_match(
      text,
      std::regex(
          R"(\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"error","msg":"brace \{\} stays","queue":"mail"\}\n)")))
      << text;
}

TEST_F(Log, LevelsHaveNamesAndAThreshold) {
  for (const LogLevel level : {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn,
                               LogLevel::error, LogLevel::off}) {
    EXPECT_EQ(log_level_of(to_string(level)), level);
    set_log_level(level);
    EXPECT_EQ(log_level(), level);
    EXPECT_EQ(log_enabled(LogLevel::error), level != LogLevel::off);
    EXPECT_EQ(log_enabled(LogLevel::trace), level == LogLevel::trace);
  }
  EXPECT_EQ(log_level_of("verbose"), std::nullopt);
}

TEST_F(Log, AnOwnLoggerGetsEveryLineAndTheDefaultComesBack) {
  std::vector<std::string> lines;
  set_logger([&](LogLevel level, std::string_view text, std::span<const LogField> fields) {
    lines.push_back(std::string(to_string(level)) + ":" + std::string(text) + ":" +
                    std::string(fields[0].value));
  });
  testing::internal::CaptureStderr();
  log(LogLevel::info, "hello", {{"id", "1"}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(lines, std::vector<std::string>{"info:hello:1"});
  set_logger({});
  testing::internal::CaptureStderr();
  log(LogLevel::info, "back");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("info  back"), std::string::npos);
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(Log, ALoggerThatThrowsCostsNothing) {
  set_logger([](LogLevel, std::string_view, std::span<const LogField>) {
    throw std::runtime_error("disk full");
  });
  log(LogLevel::error, "still here");
  set_logger([](LogLevel, std::string_view, std::span<const LogField>) { throw 1; });
  log(LogLevel::error, "still here");
}

TEST_F(Log, LoggersCanChangeWhileOthersWrite) {
  std::atomic<int> seen{0};
  const LogFunction count = [&](LogLevel, std::string_view, std::span<const LogField>) { ++seen; };
  set_logger(count);
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 3; ++t)
      writers.emplace_back([] {
        for (int i = 0; i < 1'000; ++i) log(LogLevel::info, "x");
      });
    for (int i = 0; i < 200; ++i) set_logger(count);
  }
  EXPECT_EQ(seen, 3'000);
}

TEST_F(Log, AnSpdlogLoggerTakesLinesByItsOwnPatternAndLevel) {
  std::ostringstream out;
  auto logger = std::make_shared<spdlog::logger>(
      "app", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  logger->set_pattern("[%n] %l %v");
  logger->set_level(spdlog::level::warn);
  use_spdlog(logger);
  EXPECT_EQ(log_level(), LogLevel::warn);
  log(LogLevel::info, "hidden");
  log(LogLevel::warn, "broker {} away", {{"broker", "main"}});
  log(LogLevel::error, "gone");
  EXPECT_EQ(out.str(), "[app] warning broker {} away broker=main\n[app] error gone\n");
  use_spdlog(nullptr);
}

}  // namespace
}  // namespace gander
