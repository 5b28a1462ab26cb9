// What is said to a StatsD server.
//
//   line     = prefix name [influx or graphite tags] ":" value "|" type ["|@" rate] [datadog tags]
//   counter  the difference to the last export, "|c"; nothing when it is 0
//   gauge    its value, "|g"; one below zero is set to 0 first, as "-1|g" means "one less"
//   timing   per bucket that grew by n: one value for it, "|ms", with the rate 1/n, so that the
//            server counts n of it. The values of one export are scaled to its exact sum, so the
//            server's mean is right; its percentiles are as fine as the buckets
#pragma once

#include <gander/sdk/metrics.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace statsd {

enum class Tags { datadog, influx, graphite, none };
enum class Timings { rate, repeat };

struct Style {
  std::string prefix;
  Tags tags;
  Timings timings;
};

// What a series stood at when it was last sent.
struct Totals {
  double value = 0;
  double sum = 0;
  std::vector<std::uint64_t> buckets;
};

// The lines that bring the server from `last` to `point`; none when nothing changed. A total below
// the last one is a series begun anew, and counts whole.
std::vector<std::string> lines_of(const gander_point& point, const Totals& last,
                                  const Style& style);

// A series' name and labels as one text.
std::string series_of(const gander_point& point);

Totals totals_of(const gander_point& point);

}  // namespace statsd
