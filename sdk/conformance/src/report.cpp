// The report of a run, for people and for programs.
#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <stdexcept>

#include "harness.h"

namespace gander::conformance {

namespace {

const char* word(Verdict v) {
  switch (v) {
    case Verdict::passed: return "passed";
    case Verdict::failed: return "failed";
    case Verdict::skipped: return "skipped";
  }
  return "";
}

auto count(const std::vector<Result>& results, Verdict verdict) {
  return std::ranges::count(results, verdict, &Result::verdict);
}

void print_text(const std::vector<Result>& results, std::uint64_t seed, std::ostream& out) {
  for (const Result& r : results) {
    out << std::setw(4) << r.check->number << "  " << std::left << std::setw(8) << word(r.verdict)
        << std::setw(24) << r.check->name << std::right << std::fixed << std::setprecision(2)
        << std::setw(7) << r.seconds << " s";
    if (r.verdict == Verdict::skipped) out << "  (" << r.text << ")";
    if (r.verdict == Verdict::passed && !r.text.empty()) out << "  warning: " << r.text;
    out << '\n';
    if (r.verdict != Verdict::failed) continue;
    out << "      should: " << r.check->sentence << " [" << r.check->gbc << "]\n"
        << "      but:    " << r.text << '\n';
  }
  out << count(results, Verdict::passed) << " passed, " << count(results, Verdict::failed)
      << " failed, " << count(results, Verdict::skipped) << " skipped; seed " << seed << '\n';
}

void print_json(const std::string& file, const std::vector<Result>& results, std::uint64_t seed,
                std::ostream& out) {
  rapidjson::OStreamWrapper stream(out);
  rapidjson::Writer<rapidjson::OStreamWrapper> json(stream);
  const auto text = [&](const char* key, std::string_view value) {
    json.Key(key);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  json.StartObject();
  text("file", file);
  json.Key("seed");
  json.Uint64(seed);
  for (const Verdict v : {Verdict::passed, Verdict::failed, Verdict::skipped}) {
    json.Key(word(v));
    json.Int64(count(results, v));
  }
  json.Key("checks");
  json.StartArray();
  for (const Result& r : results) {
    json.StartObject();
    json.Key("number");
    json.Int(r.check->number);
    text("name", r.check->name);
    text("group", r.check->group);
    text("gbc", r.check->gbc);
    text("sentence", r.check->sentence);
    text("verdict", word(r.verdict));
    text("text", r.text);
    json.Key("seconds");
    json.Double(r.seconds);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  out << '\n';
}

}  // namespace

int run_kit(const KitOptions& given, std::ostream& out) {
  KitOptions options = given;
  while (options.seed == 0) options.seed = std::random_device{}();
  try {
    const auto results = run_checks(options);
    if (options.json)
      print_json(options.file, results, options.seed, out);
    else
      print_text(results, options.seed, out);
    out.flush();
    return count(results, Verdict::failed) == 0 ? 0 : 1;
  } catch (const std::invalid_argument& nothing) {
    out << nothing.what() << '\n';
    return 2;
  }
}

}  // namespace gander::conformance
