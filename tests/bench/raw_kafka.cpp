// The least honest program over librdkafka that stores, reads and is through with a 200-byte
// message, with the durability that gander's Kafka broker promises: an idempotent producer,
// acks=all. Four partitions; no settle of a single message, no
// schedule, no priority, no fence, no counters.
//
//   raw_kafka --url kafka://HOST:PORT --jobs N --batch 500 --threads 16 --json
//
// prints one line per operation: enqueue (batches, each of them waited for), stream (all, and then
// waited for once), drain (polled, a commit per 1,000, each of them waited for, as most programs
// do), flood (up to 1,000 at a go, a commit every 200 ms and one at the end, which alone is waited
// for: how fast the library is), enqueue16 (single messages by so many threads that share a
// producer, each waited for). Its topic is made anew and deleted at the end.
//
// A commit takes some 6 ms whatever it holds: `drain` is bound by them, and `flood` is not.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "raw.h"

namespace {

constexpr std::size_t kBodyBytes = 200;
constexpr int kPartitions = 4;
constexpr int kCommitEvery = 1000;
constexpr std::chrono::milliseconds kCommitPause{200};
constexpr int kPatienceMs = 30'000;
constexpr int kBatchMs = 5;  // a batch that is not full by then is taken as it is

struct Destroy {
  void operator()(rd_kafka_t* k) const { rd_kafka_destroy(k); }
  void operator()(rd_kafka_topic_t* t) const { rd_kafka_topic_destroy(t); }
  void operator()(rd_kafka_queue_t* q) const { rd_kafka_queue_destroy(q); }
  void operator()(rd_kafka_event_t* e) const { rd_kafka_event_destroy(e); }
  void operator()(rd_kafka_topic_partition_list_t* l) const {
    rd_kafka_topic_partition_list_destroy(l);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

[[noreturn]] void fail(const char* what, const char* why) {
  std::fprintf(stderr, "raw_kafka: %s: %s\n", what, why);
  std::exit(1);
}
void must(rd_kafka_resp_err_t code, const char* what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) fail(what, rd_kafka_err2str(code));
}

using Properties = std::vector<std::pair<const char*, std::string>>;

// The report of a message ends the wait of the thread that sent it.
void on_report(rd_kafka_t* /*k*/, const rd_kafka_message_t* m, void* /*opaque*/) {
  must(m->err, "a message was not stored");
  auto* done = static_cast<std::atomic<bool>*>(m->_private);
  if (done == nullptr) return;
  *done = true;
  done->notify_one();
}

Owned<rd_kafka_t> connect(rd_kafka_type_t type, const Properties& properties) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  for (const auto& [key, value] : properties)
    if (rd_kafka_conf_set(conf, key, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
      fail(key, why);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  Owned<rd_kafka_t> made(rd_kafka_new(type, conf, why, sizeof why));
  if (!made) fail("connect", why);
  return made;
}

Owned<rd_kafka_t> producer(const std::string& servers, const std::string& linger_ms) {
  return connect(RD_KAFKA_PRODUCER, {{"bootstrap.servers", servers},
                                     {"enable.idempotence", "true"},
                                     {"acks", "all"},
                                     {"linger.ms", linger_ms}});
}

void create_topic(rd_kafka_t* k, const std::string& name) {
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(k));
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), kPartitions, -1, nullptr, 0);
  rd_kafka_CreateTopics(k, &topic, 1, nullptr, queue.get());
  const Owned<rd_kafka_event_t> done(rd_kafka_queue_poll(queue.get(), kPatienceMs));
  rd_kafka_NewTopic_destroy(topic);
  if (!done) fail("create", "no answer");
  must(rd_kafka_event_error(done.get()), "create");
}

void delete_topic(rd_kafka_t* k, const std::string& name) {
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(k));
  rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
  rd_kafka_DeleteTopics(k, &topic, 1, nullptr, queue.get());
  const Owned<rd_kafka_event_t> done(rd_kafka_queue_poll(queue.get(), kPatienceMs));
  rd_kafka_DeleteTopic_destroy(topic);
}

void produce(rd_kafka_t* k, rd_kafka_topic_t* topic, std::string& body, std::int32_t partition,
             void* opaque) {
  while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, body.data(), body.size(), nullptr,
                          0, opaque) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      must(rd_kafka_last_error(), "produce");
    rd_kafka_poll(k, 1);  // reports take up room too
  }
}

double enqueue(rd_kafka_t* k, rd_kafka_topic_t* topic, std::size_t jobs, std::size_t batch) {
  std::string body(kBodyBytes, 'x');
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t done = 0; done < jobs; done += batch) {
    const std::size_t n = std::min(batch, jobs - done);
    for (std::size_t i = 0; i < n; ++i) {
      produce(k, topic, body, static_cast<std::int32_t>(i * kPartitions / n), nullptr);
      if (i % 10'000 == 9'999) rd_kafka_poll(k, 0);
    }
    must(rd_kafka_flush(k, kPatienceMs), "enqueue");
  }
  return static_cast<double>(jobs) / raw::seconds_since(start);
}

Owned<rd_kafka_t> consumer(const std::string& servers, const std::string& topic,
                           const std::string& group) {
  auto k = connect(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers},
                                       {"group.id", group},
                                       {"auto.offset.reset", "earliest"},
                                       {"enable.auto.commit", "false"}});
  rd_kafka_poll_set_consumer(k.get());
  const Owned<rd_kafka_topic_partition_list_t> topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  must(rd_kafka_subscribe(k.get(), topics.get()), "subscribe");
  return k;
}

void read(rd_kafka_message_t* m, std::string& copy) {
  if (m == nullptr) fail("drain", "nothing comes");
  must(m->err, "drain");
  copy.assign(static_cast<const char*>(m->payload), m->len);
  rd_kafka_message_destroy(m);
}

double flood(const std::string& servers, const std::string& topic, std::size_t jobs) {
  const auto k = consumer(servers, topic, topic);
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_get_consumer(k.get()));
  std::vector<rd_kafka_message_t*> batch(kCommitEvery);
  std::string copy;
  read(rd_kafka_consumer_poll(k.get(), kPatienceMs), copy);  // joining the group is not the work
  const auto start = std::chrono::steady_clock::now();
  auto committed = start;
  for (std::size_t n = 1; n < jobs;) {
    const auto got =
        rd_kafka_consume_batch_queue(queue.get(), kBatchMs, batch.data(), batch.size());
    for (ssize_t i = 0; i < got; ++i) read(batch[static_cast<std::size_t>(i)], copy);
    n += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (std::chrono::steady_clock::now() - committed < kCommitPause) continue;
    must(rd_kafka_commit(k.get(), nullptr, 1), "commit");
    committed = std::chrono::steady_clock::now();
  }
  must(rd_kafka_commit(k.get(), nullptr, 0), "commit");
  const double rate = static_cast<double>(jobs) / raw::seconds_since(start);
  rd_kafka_consumer_close(k.get());
  return rate;
}

double drain(const std::string& servers, const std::string& topic, std::size_t jobs) {
  const auto k = consumer(servers, topic, topic + ".drain");
  std::string copy;
  std::chrono::steady_clock::time_point start;
  for (std::size_t n = 0; n < jobs;) {
    rd_kafka_message_t* m = rd_kafka_consumer_poll(k.get(), kPatienceMs);
    if (n == 0) start = std::chrono::steady_clock::now();
    read(m, copy);
    if (++n % kCommitEvery == 0 || n == jobs) must(rd_kafka_commit(k.get(), nullptr, 0), "commit");
  }
  const double rate = static_cast<double>(jobs) / raw::seconds_since(start);
  rd_kafka_consumer_close(k.get());
  return rate;
}

double enqueue_by_threads(rd_kafka_t* k, rd_kafka_topic_t* topic, int each, int threads) {
  std::atomic<bool> stop = false;
  std::jthread reports([&] {
    while (!stop) rd_kafka_poll(k, 10);
  });
  const double rate = raw::rate_of_threads(threads, each, [&](int t) {
    thread_local std::string body(kBodyBytes, 'x');
    std::atomic<bool> done = false;
    produce(k, topic, body, t % kPartitions, &done);
    done.wait(false);
  });
  stop = true;
  return rate;
}

void run(const raw::Options& o) {
  const std::string servers = o.place.substr(o.place.find("://") + 3);
  const auto jobs = static_cast<std::size_t>(o.jobs), batch = static_cast<std::size_t>(o.batch);
  const auto k = producer(servers, "5");
  const std::string name =
      "raw." + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  create_topic(k.get(), name);
  {
    const Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(k.get(), name.c_str(), nullptr));
    enqueue(k.get(), topic.get(), 1, 1);  // it finds its brokers
    o.print("enqueue", enqueue(k.get(), topic.get(), jobs, batch));
    o.print("stream", enqueue(k.get(), topic.get(), jobs, jobs));
    o.print("drain", drain(servers, name, 2 * jobs));
    o.print("flood", flood(servers, name, 2 * jobs));
  }
  {
    const auto hasty = producer(servers, "0");
    const Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(hasty.get(), name.c_str(), nullptr));
    const int each = std::max(1, o.jobs / 5 / o.threads);
    o.print("enqueue16", enqueue_by_threads(hasty.get(), topic.get(), each, o.threads));
  }
  delete_topic(k.get(), name);
}

}  // namespace

int main(int argc, char** argv) {
  run(raw::parse(argc, argv, "kafka"));
  return 0;
}
