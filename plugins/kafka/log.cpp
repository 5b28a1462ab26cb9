#include "log.h"

#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "committed.h"
#include "error.h"
#include "removal.h"

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kLook{100}, kLookAtGroup{1000}, kLookAtLeader{10};
// A transaction's end is answered before its records are shown. One that takes longer is a
// stranger's that goes on, or its process has died.
constexpr std::chrono::milliseconds kBeingShown{500};
constexpr std::int64_t kAllWritten = std::numeric_limits<std::int64_t>::max();

Config config_for(const Settings& settings) {
  Config config(settings);
  config.set("group.id", settings.prefix);  // to read its commits; it is never joined
  config.set("enable.auto.commit", "false");
  config.set("enable.auto.offset.store", "false");
  config.set("auto.offset.reset", "earliest");
  config.set("isolation.level", "read_committed");
  config.set("enable.partition.eof", "true");
  config.set("fetch.wait.max.ms", 10);
  // More than is looked at in the second in which librdkafka before 2.2 fetches nothing, where one
  // of these is met.
  config.set("queued.min.messages", 10'000'000);
  config.set("queued.max.messages.kbytes", 65'536);
  config.fetch_on_soon();
  return config;
}

}  // namespace

Log::Log(const Settings& settings, sdk::Host host, Topics& topics, const sdk::Deadline& deadline)
    : topics_(topics), client_(RD_KAFKA_CONSUMER, config_for(settings), settings, host) {
  rd_kafka_poll_set_consumer(client_.get());
  client_.connect(deadline);
}

std::vector<std::string> Log::topics(const sdk::Deadline& deadline) {
  const auto metadata = client_.metadata("listing topics", deadline);
  std::vector<std::string> names;
  const std::string begin = client_.settings().prefix + ".";
  for (int i = 0; i < metadata->topic_cnt; ++i)
    if (std::string_view(metadata->topics[i].topic).starts_with(begin))
      names.emplace_back(metadata->topics[i].topic);
  return names;
}

std::vector<Progress> Log::progress(const std::vector<std::string>& topics,
                                    const sdk::Deadline& deadline) {
  const auto counts = Admin(client_).partitions(topics, deadline);
  const PartitionList committed = new_list();
  const PartitionList begins = new_list();
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (!counts[i].led) continue;  // of the others it is known how far they go
    for (std::int32_t number = 0; number < counts[i].count; ++number) {
      rd_kafka_topic_partition_list_add(committed.get(), topics[i].c_str(), number);
      rd_kafka_topic_partition_list_add(begins.get(), topics[i].c_str(), number)->offset =
          RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  std::vector<Progress> all;
  if (committed->cnt == 0) return all;
  const PartitionList ends(rd_kafka_topic_partition_list_copy(begins.get()));
  for (int i = 0; i < ends->cnt; ++i) ends->elems[i].offset = RD_KAFKA_OFFSET_END;
  const auto ask = [&](rd_kafka_resp_err_t code) {
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.error(code, "reading offsets");
  };
  const auto most = client_.settings().call_timeout;
  ask(ask_group(*committed, deadline));
  ask(rd_kafka_offsets_for_times(client_.get(), begins.get(), ms_left(deadline, most)));
  ask(rd_kafka_offsets_for_times(client_.get(), ends.get(), ms_left(deadline, most)));
  for (int i = 0; i < committed->cnt; ++i) {
    const rd_kafka_topic_partition_t& at = committed->elems[i];
    all.push_back({at.topic, at.partition, offsets_since(at, begins->elems[i].offset),
                   ends->elems[i].offset});
  }
  return all;
}

std::int64_t Log::end_of(const std::string& topic, const sdk::Deadline& deadline) {
  const sdk::Deadline until = within(deadline, client_.settings().call_timeout);
  for (;;) {
    std::int64_t low = 0, high = 0;
    const auto code =
        rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), 0, &low, &high,
                                         ms_left(until, client_.settings().call_timeout));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return high;
    // As of one that was made just now, of which its leader has not heard yet.
    if (code != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || until.passed())
      throw client_.error(code, "looking at " + topic);
    std::this_thread::sleep_for(kLookAtLeader);
  }
}

// A group that is refused us never answers this; the other question it does.
rd_kafka_resp_err_t Log::ask_group(rd_kafka_topic_partition_list_t& committed,
                                   const sdk::Deadline& deadline) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(ms_left(deadline, client_.settings().call_timeout));
  for (;;) {
    const auto code =
        rd_kafka_committed(client_.get(), &committed, ms_left(deadline, kLookAtGroup));
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT || std::chrono::steady_clock::now() >= until)
      return code;
    Admin(client_).group(client_.settings().prefix, deadline);
  }
}

void Log::read(const std::vector<Span>& spans, const Visitor& visit,
               const sdk::Deadline& deadline) {
  for (const Span& span : spans)
    if (span.from < span.to && !read_one(span, visit, deadline)) break;
  rd_kafka_assign(client_.get(), nullptr);
}

bool Log::read_one(const Span& span, const Visitor& visit, const sdk::Deadline& deadline) {
  const PartitionList list = new_list(1);
  rd_kafka_topic_partition_list_add(list.get(), span.topic.c_str(), span.partition)->offset =
      span.from;
  rd_kafka_assign(client_.get(), list.get());
  const auto patience = std::chrono::steady_clock::now() + kBeingShown;
  std::optional<std::int64_t> to;
  bool at_end = false;
  for (;;) {
    if (deadline.passed())
      throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, "reading " + span.topic);
    const Owned<rd_kafka_message_t> m(
        rd_kafka_consumer_poll(client_.get(), static_cast<int>(kLook.count())));
    if (at_end && std::chrono::steady_clock::now() > patience) return true;
    if (!m || m->rkt == nullptr) continue;
    if (span.topic != rd_kafka_topic_name(m->rkt) || m->partition != span.partition) continue;
    const bool end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (is_refusal(m->err)) throw client_.error(m->err, "reading " + span.topic);
    if (!end && m->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (!to) to = std::min(span.to, written(span));
    at_end = end;
    if (m->offset >= *to) return true;
    if (end) continue;
    if (!visit(*m)) return false;
    if (m->offset + 1 >= *to) return true;
  }
}

// Up to where, at the last answer, whether it is shown already or not.
std::int64_t Log::written(const Span& span) const {
  std::int64_t low = 0, high = 0;
  rd_kafka_get_watermark_offsets(client_.get(), span.topic.c_str(), span.partition, &low, &high);
  return high;
}

// A topic of the control plane, from its begin.
void Log::read_all(const std::string& topic, const Visitor& visit, const sdk::Deadline& deadline) {
  topics_.need_control(deadline);
  const auto found = Admin(client_).partitions({&topic, 1}, deadline)[0];
  // Not read as if it were empty.
  if (!found.led) throw client_.error(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, "reading " + topic);
  std::vector<Span> spans;
  for (std::int32_t number = 0; number < found.count; ++number)
    spans.push_back({topic, number, RD_KAFKA_OFFSET_BEGINNING, kAllWritten});
  read(spans, visit, deadline);
}

std::optional<gander_message> Log::message_in(const rd_kafka_message_t& m) {
  try {
    return sdk::read_message({static_cast<const char*>(m.payload), m.len});
  } catch (const sdk::Error& e) {
    client_.host().log(GANDER_LOG_WARN, std::string(rd_kafka_topic_name(m.rkt)) + "[" +
                                            std::to_string(m.partition) + "] offset " +
                                            std::to_string(m.offset) + ": " + e.what() +
                                            "; it is passed over");
    return std::nullopt;
  }
}

Log::Kept Log::read_compacted(const std::string& topic, const sdk::Deadline& deadline) {
  std::map<std::int32_t, Kept> partitions;
  const auto visit = [&](const rd_kafka_message_t& m) {
    gander_id id{};
    if (m.key_len != sizeof id.bytes) return true;
    std::memcpy(id.bytes, m.key, m.key_len);
    Kept& here = partitions[m.partition];
    if (m.payload == nullptr) {
      here.erase(id);
    } else if (const auto message = message_in(m)) {
      KeptMessage& kept = here[id];
      kept.assign(*message);
      kept.partition = m.partition;
      kept.offset = m.offset;
      kept.written_ms = rd_kafka_message_timestamp(&m, nullptr);
    }
    return true;
  };
  read_all(topic, visit, deadline);
  Kept all;
  for (auto& [number, here] : partitions) {
    all.merge(here);
    for (auto& [id, kept] : here)
      if (KeptMessage& other = all.at(id); other.written_ms < kept.written_ms)
        other = std::move(kept);
  }
  return all;
}

std::vector<std::string> Log::read_paused(const sdk::Deadline& deadline) {
  const std::string topic = topics_.names().state();
  std::set<std::string> paused;
  read_all(
      topic,
      [&](const rd_kafka_message_t& m) {
        const std::string queue(static_cast<const char*>(m.key), m.key_len);
        if (request_of(queue) || answered_by(queue)) return true;
        if (m.payload != nullptr)
          paused.insert(queue);
        else
          paused.erase(queue);
        return true;
      },
      deadline);
  return {paused.begin(), paused.end()};
}

}  // namespace gander::kafka
