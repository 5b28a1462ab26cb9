#include "lines.h"

#include <gander/sdk/plugin.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace statsd {
namespace {

using gander::sdk::view;

// A queue may be called anything; what means something in the protocol becomes '_'.
std::string clean(std::string_view text, std::string_view special) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) <= ' ' || special.find(c) != std::string_view::npos) c = '_';
  return out;
}

std::string number(double value) {
  std::array<char, 400> text{};
  const auto format = std::chars_format::fixed;  // many servers read no exponent
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, format).ptr;
  return {text.data(), end};
}

// 1/n rounded down: a server that computes int(1 / rate) must not come out one short.
std::string rate(std::uint64_t n) {
  const double exact = 1.0 / static_cast<double>(n);
  const int digits = 9 + static_cast<int>(std::ceil(std::log10(static_cast<double>(n))));
  const double scale = std::pow(10.0, digits);
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), std::floor(exact * scale) / scale,
                    std::chars_format::fixed, digits)
          .ptr;
  return {text.data(), end};
}

// Everything of a line but value and type.
struct Frame {
  std::string head;  // up to and with ':'
  std::string tail;  // from "|#" on
};

Frame frame_of(const gander_point& point, const Style& style) {
  Frame frame;
  frame.head = style.prefix + clean(view(point.name), ":|@#,;=");
  for (std::size_t i = 0; style.tags != Tags::none && i < point.n_labels; ++i) {
    const std::string key = clean(view(point.labels[i].key), ":|@#,;=");
    const std::string value = clean(view(point.labels[i].value), ":|@#,;=");
    if (style.tags == Tags::datadog)
      frame.tail += (frame.tail.empty() ? "|#" : ",") + key + ":" + value;
    else
      frame.head += (style.tags == Tags::influx ? "," : ";") + key + "=" + value;
  }
  frame.head += ':';
  return frame;
}

struct Bucket {
  double low, high;
  std::uint64_t n;
  double value;  // what stands for each of the n
};

std::vector<Bucket> grown_buckets(const gander_point& point, const Totals& last) {
  std::vector<Bucket> out;
  const std::span bounds(point.bounds, point.n_buckets);
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    const std::uint64_t before = i < last.buckets.size() ? last.buckets[i] : 0;
    const std::uint64_t n = point.bucket_counts[i] - before;
    if (n == 0) continue;
    const double low = i == 0 ? 0 : bounds[i - 1];
    const bool open = i == bounds.size();
    const double high = open ? 1e15 : bounds[i];
    // The middle on a scale of logarithms, which is how the bounds are laid; no open end has one.
    const double middle = open ? low : low > 0 ? std::sqrt(low * high) : high / 2;
    out.push_back({low, high, n, middle});
  }
  return out;
}

// Moves the values, within their buckets, so that they add up to what was measured.
void scale_to_sum(std::vector<Bucket>& buckets, double sum) {
  double guess = 0;
  for (const Bucket& b : buckets) guess += b.value * static_cast<double>(b.n);
  if (!(guess > 0) || !(sum >= 0)) return;
  for (Bucket& b : buckets) b.value = std::clamp(b.value * sum / guess, b.low, b.high);
}

bool began_anew(const gander_point& point, const Totals& last) {
  if (point.type == GANDER_COUNTER) return point.value < last.value;
  for (std::size_t i = 0; i < last.buckets.size(); ++i)
    if (i > point.n_buckets || point.bucket_counts[i] < last.buckets[i]) return true;
  return false;
}

void add_timings(std::vector<std::string>& out, const Frame& frame, const Bucket& bucket,
                 Timings timings) {
  // Microseconds are as fine as anything was measured.
  const std::string value = number(std::round(bucket.value * 1e3) / 1e3);
  if (timings == Timings::repeat) {
    for (std::uint64_t i = 0; i < bucket.n; ++i)
      out.push_back(frame.head + value + "|ms" + frame.tail);
  } else {
    const std::string at = bucket.n == 1 ? "" : "|@" + rate(bucket.n);
    out.push_back(frame.head + value + "|ms" + at + frame.tail);
  }
}

}  // namespace

std::vector<std::string> lines_of(const gander_point& point, const Totals& last,
                                  const Style& style) {
  std::vector<std::string> out;
  const Frame frame = frame_of(point, style);
  if (point.type == GANDER_GAUGE) {
    if (point.value < 0) out.push_back(frame.head + "0|g" + frame.tail);
    out.push_back(frame.head + number(point.value) + "|g" + frame.tail);
    return out;
  }
  const Totals nothing;
  const Totals& from = began_anew(point, last) ? nothing : last;
  if (point.type == GANDER_COUNTER) {
    const double difference = point.value - from.value;
    if (difference > 0) out.push_back(frame.head + number(difference) + "|c" + frame.tail);
  } else if (point.type == GANDER_HISTOGRAM) {
    std::vector<Bucket> buckets = grown_buckets(point, from);
    scale_to_sum(buckets, point.sum - from.sum);
    for (const Bucket& bucket : buckets) add_timings(out, frame, bucket, style.timings);
  }
  return out;
}

std::string series_of(const gander_point& point) {
  std::string series(view(point.name));
  for (std::size_t i = 0; i < point.n_labels; ++i) {
    (series += '\0') += view(point.labels[i].key);
    (series += '\0') += view(point.labels[i].value);
  }
  return series;
}

Totals totals_of(const gander_point& point) {
  Totals totals{point.value, point.sum, {}};
  if (point.type == GANDER_HISTOGRAM)
    totals.buckets.assign(point.bucket_counts, point.bucket_counts + point.n_buckets + 1);
  return totals;
}

}  // namespace statsd
