#include "committed.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace gander::kafka {

void add_commit(rd_kafka_topic_partition_list_t& list, const std::string& topic,
                std::int32_t partition, const Offsets& offsets) {
  add_note(list, topic, partition, offsets.base(), offsets.encode());
}

void add_note(rd_kafka_topic_partition_list_t& list, const std::string& topic,
              std::int32_t partition, std::int64_t offset, const std::string& text) {
  rd_kafka_topic_partition_t& at =
      *rd_kafka_topic_partition_list_add(&list, topic.c_str(), partition);
  at.offset = offset;
  at.metadata = std::malloc(text.size() + 1);  // librdkafka frees it
  if (at.metadata == nullptr) throw std::bad_alloc();
  std::memcpy(at.metadata, text.c_str(), text.size() + 1);
  at.metadata_size = text.size();
}

std::optional<Offsets> read_commit(const rd_kafka_topic_partition_t& at, std::int64_t base) {
  if (at.metadata == nullptr) return std::nullopt;
  return Offsets::decode(base, {static_cast<const char*>(at.metadata), at.metadata_size});
}

Offsets offsets_since(const rd_kafka_topic_partition_t& at, std::int64_t begin) {
  auto offsets = at.offset < 0 ? std::nullopt : read_commit(at, at.offset);
  if (!offsets) return Offsets(std::max(at.offset, begin));
  offsets->skip(at.offset, begin);
  return *std::move(offsets);
}

bool same_commits(const rd_kafka_topic_partition_list_t& a,
                  const rd_kafka_topic_partition_list_t& b) {
  const auto text = [](const rd_kafka_topic_partition_t& at) {
    return at.metadata == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(at.metadata), at.metadata_size);
  };
  if (a.cnt != b.cnt) return false;
  for (int i = 0; i < a.cnt; ++i) {
    const rd_kafka_topic_partition_t &one = a.elems[i], &other = b.elems[i];
    if (std::string_view(one.topic) != other.topic || one.partition != other.partition ||
        one.offset != other.offset || text(one) != text(other))
      return false;
  }
  return true;
}

}  // namespace gander::kafka
