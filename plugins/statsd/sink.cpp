// gander_statsd.so -- points to a StatsD server, over UDP, a few lines to a packet.
//
// What could not be sent is not taken as sent: the next export brings the difference again.
#include <cstddef>
#include <gander/sdk/metrics.hpp>
#include <unordered_map>
#include <utility>

#include "connection.h"
#include "lines.h"
#include "statsd_schema.h"

namespace statsd {
namespace {

using gander::sdk::Host;
using gander::sdk::Options;
using gander::sdk::Points;

Style style_of(const Options& options) {
  const std::string& tags = options.text("tags");
  return {options.text("prefix"),
          tags == "influx"     ? Tags::influx
          : tags == "graphite" ? Tags::graphite
          : tags == "none"     ? Tags::none
                               : Tags::datadog,
          options.text("timings") == "repeat" ? Timings::repeat : Timings::rate};
}

class StatsdSink final : public gander::sdk::Sink {
 public:
  StatsdSink(Host, const Options& options)
      : style_(style_of(options)),
        max_packet_(static_cast<std::size_t>(options.integer("max_packet"))),
        connection_(options.text("host"), static_cast<int>(options.integer("port"))) {}

  void export_points(Points points) override {
    packet_.clear();  // what an export that failed had begun
    packed_.clear();
    connection_.open();
    for (const gander_point* point : points) add(*point);
    flush();
  }

 private:
  // A series' lines may spill into a further packet; it counts as sent with its last line.
  void add(const gander_point& point) {
    std::string series = series_of(point);
    for (const std::string& line : lines_of(point, last_[series], style_)) {
      if (!packet_.empty() && packet_.size() + 1 + line.size() > max_packet_) flush();
      if (!packet_.empty()) packet_ += '\n';
      packet_ += line;
    }
    if (point.type != GANDER_GAUGE) packed_.emplace_back(std::move(series), totals_of(point));
  }

  void flush() {
    if (!packet_.empty()) connection_.send(packet_);
    packet_.clear();
    for (auto& [series, totals] : packed_) last_[series] = std::move(totals);
    packed_.clear();
  }

  const Style style_;
  const std::size_t max_packet_;
  Connection connection_;
  std::unordered_map<std::string, Totals> last_;
  std::string packet_;
  std::vector<std::pair<std::string, Totals>> packed_;  // series whose last line is in packet_
};

}  // namespace
}  // namespace statsd

GANDER_METRICS_PLUGIN(statsd::StatsdSink, "dev.gander.statsd", "statsd", "1.0.0")
