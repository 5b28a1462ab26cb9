// What a PRODUCE session does.
#pragma once

#include <gander/sdk/broker.hpp>
#include <memory>

#include "instance.h"
#include "producer.h"

namespace gander::kafka {

class Writer {
 public:
  Writer(Instance& instance, const sdk::Deadline& deadline);
  void enqueue(sdk::Messages messages, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

 private:
  // By the same `now_us`: what is to come names its queue, and what is ready need not.
  void write_values(sdk::Messages messages, std::int64_t now_us);
  void place(sdk::Messages messages, std::int64_t now_us, const sdk::Deadline& deadline);
  void place_ready(const gander_message& m, std::string_view value, std::size_t of,
                   const sdk::Deadline& deadline);
  void send(std::uint32_t priority, sdk::Verdicts verdicts, const sdk::Deadline& deadline);

  Instance& instance_;
  Producer producer_;
  std::string values_;
  std::vector<std::size_t> ends_;  // of each value in values_
  struct Batch {
    std::vector<Sent> records;
    std::vector<std::size_t> places;  // in the call
  };
  std::array<Batch, kPriorities> batches_;
  struct Target {
    std::string queue;
    std::uint32_t priority = UINT32_MAX;
    rd_kafka_topic_t* topic = nullptr;
    int partitions = 1;
  } target_;  // of the last message: as a rule the next one's too
  std::uint32_t turn_ = 0;
  bool stored_ = false;  // some of this call, of a priority that went before
};

}  // namespace gander::kafka
