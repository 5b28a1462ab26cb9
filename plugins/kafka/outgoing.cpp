#include "outgoing.h"

#include <gander/sdk/message_bytes.hpp>

namespace gander::kafka {

Outgoing ready_record(const Names& names, const gander_message& m) {
  const std::string_view queue = sdk::view(m.queue);
  Outgoing record{names.ready(queue, m.priority), RD_KAFKA_PARTITION_UA, {}, ""};
  sdk::write_message(m, names.queue_in_record(queue), 0, *record.value);
  return record;
}

Outgoing kept_record(const std::string& topic, const gander_message& m) {
  Outgoing record{topic, RD_KAFKA_PARTITION_UA, std::string(sdk::view(m.id)), ""};
  sdk::write_message(m, sdk::view(m.queue), m.state, *record.value);
  return record;
}

Outgoing tombstone(const std::string& topic, const gander_id& id, std::int32_t partition) {
  return {topic, partition, std::string(sdk::view(id)), std::nullopt};
}

}  // namespace gander::kafka
