// What the group's commit says of a partition: its offset and, beside it, the map of Offsets.
#pragma once

#include <optional>
#include <string>

#include "handle.h"
#include "offsets.h"

namespace gander::kafka {

void add_commit(rd_kafka_topic_partition_list_t& list, const std::string& topic,
                std::int32_t partition, const Offsets& offsets);
// The same, with any text beside it.
void add_note(rd_kafka_topic_partition_list_t& list, const std::string& topic,
              std::int32_t partition, std::int64_t offset, const std::string& text);

// Of the metadata that came with a commit, for `base`; nothing when there is none, or it cannot be
// read.
std::optional<Offsets> read_commit(const rd_kafka_topic_partition_t& at, std::int64_t base);

// The same of a log that begins at `begin` by now, which may lie above what was committed: the map
// counts from its own base, and read from another it would call done what is not.
Offsets offsets_since(const rd_kafka_topic_partition_t& at, std::int64_t begin);

// Whether both say the same of the same partitions, in the same order.
bool same_commits(const rd_kafka_topic_partition_list_t& a,
                  const rd_kafka_topic_partition_list_t& b);

}  // namespace gander::kafka
