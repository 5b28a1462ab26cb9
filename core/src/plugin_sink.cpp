#include "plugin_sink.h"

#include <utility>

#include "status.h"
#include "text.h"

namespace gander {
namespace {

// What an export may take; a sink keeps it within 100 ms (GBC-010).
constexpr std::int64_t kExportTimeoutUs = 5'000'000;

gander_point convert(const Point& point, std::vector<gander_kv>& labels) {
  labels.reserve(point.labels.size());
  for (const Label& label : point.labels) labels.push_back({str(label.key), str(label.value)});
  gander_point out{};
  out.name = str(point.name);
  out.unit = str(point.unit);
  out.help = str(point.help);
  out.type = static_cast<std::uint32_t>(point.type);
  out.labels = labels.data();
  out.n_labels = labels.size();
  out.value = point.value;
  out.start_us = point.start_us;
  out.time_us = point.time_us;
  if (point.type != MetricType::histogram) return out;
  out.count = point.count;
  out.sum = point.sum;
  out.bounds = kHistogramBounds;
  out.n_buckets = static_cast<std::uint32_t>(std::size(kHistogramBounds));
  out.bucket_counts = point.buckets.data();
  return out;
}

}  // namespace

PluginSink::PluginSink(const gander_metrics_table* table, const gander_host* host,
                       std::string plugin, const std::map<std::string, std::string>& options)
    : table_(table), plugin_(std::move(plugin)) {
  std::vector<gander_kv> list;
  list.reserve(options.size());
  for (const auto& [key, value] : options) list.push_back({str(key), str(value)});
  Status status;
  status.code = table_->create(host, list.data(), list.size(), &sink_, &status.error);
  if (!status.ok()) throw error_of(status, plugin_, "create");
}

PluginSink::~PluginSink() { table_->destroy(sink_); }

void PluginSink::export_points(std::span<const Point> points) {
  std::vector<std::vector<gander_kv>> labels(points.size());
  std::vector<gander_point> items;
  items.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) items.push_back(convert(points[i], labels[i]));
  const gander_points list{sizeof list, sizeof(gander_point),
                           static_cast<std::uint32_t>(items.size()), 0, items.data()};
  gander_call call{};
  call.struct_size = sizeof call;
  call.timeout_us = kExportTimeoutUs;
  Status status;
  status.code = table_->export_points(sink_, &call, &list, &status.error);
  if (!status.ok()) throw error_of(status, plugin_, "export");
}

}  // namespace gander
