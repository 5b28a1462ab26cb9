#include "member.h"

#include <algorithm>

namespace gander::kafka {
namespace {

constexpr std::chrono::milliseconds kLookAnyway{500};
constexpr std::chrono::milliseconds kLookSoon{10};

Config config_for(const Settings& settings, const std::string& in_group) {
  const std::int64_t lease_ms = settings.lease_us / 1000;
  Config config(settings);
  config.set("group.id", settings.prefix);
  if (!in_group.empty()) config.set("group.instance.id", in_group);
  config.set("session.timeout.ms", lease_ms);
  // The answer is how a member hears that others come or go, and all wait for the last to hear.
  config.set("heartbeat.interval.ms", std::min<std::int64_t>(500, lease_ms / 4));
  // No handler runs on the thread that polls. So a member that does not is in trouble.
  config.set("max.poll.interval.ms", settings.longest_join().count());
  // Eager: with what keeps partitions over a rebalance, librdkafka before 2.10 loses them after a
  // refused commit.
  config.set("partition.assignment.strategy", "range");
  config.set("enable.auto.commit", "false");
  config.set("enable.auto.offset.store", "false");
  config.set("auto.offset.reset", "earliest");
  config.set("isolation.level", "read_committed");
  config.set("enable.partition.eof", "true");
  config.set("fetch.error.backoff.ms", 50);
  // Until then an answer without records is held back, and with it the news that there are none.
  config.set("fetch.wait.max.ms", 100);
  // Small, as what a fetch brings stays in memory as a whole while one of its messages does, and as
  // it comes on top of the limit below, of every partition.
  config.set("max.partition.fetch.bytes", 256 << 10);
  // Of the two limits, which are those of one priority of a queue, the bytes should be met first,
  // and seldom: the cluster is asked for more only when it has answered that other partitions have
  // nothing.
  config.set("queued.min.messages", 100'000);
  config.set("queued.max.messages.kbytes", 16'384);
  config.fetch_on_soon();
  return config;
}

}  // namespace

Member::Member(const Settings& settings, sdk::Host host, Topics& topics, sdk::Doorbell& bell,
               Name& name, sdk::Queues queues, const sdk::Deadline& deadline)
    : settings_(settings),
      host_(host),
      topics_(topics),
      bell_(bell),
      name_(name),
      in_group_(name.in_group(queues)),
      client_(
          RD_KAFKA_CONSUMER,
          [&] {
            Config config = config_for(settings, in_group_);
            rd_kafka_conf_set_rebalance_cb(config.get(), on_rebalance);
            return config;
          }(),
          settings, host, this),
      token_(new_token()),
      transactions_(settings, host,
                    settings.prefix + "." + (in_group_.empty() ? text_of(token_) : in_group_)),
      stock_(token_ << 8U) {
  client_.connect(deadline);
  name_.check(client_, in_group_, deadline);
  // Whose name it was may have died in the midst of one: his partitions could not be read until
  // that has run out of its time.
  if (!in_group_.empty()) transactions_.resolve(deadline);
  topics_.need_control(deadline);
  control_ = new_queue();
  main_.reset(rd_kafka_queue_get_consumer(client_.get()));
  rd_kafka_queue_cb_event_enable(main_.get(), on_ready, this);
  thread_ = std::thread([this] { run(); });
}

Member::~Member() {
  stopping_ = true;
  wake();
  thread_.join();
  for (auto& queue : queues_) rd_kafka_queue_cb_event_enable(queue->raw.get(), nullptr, nullptr);
  rd_kafka_queue_cb_event_enable(control_.get(), nullptr, nullptr);
  rd_kafka_queue_cb_event_enable(main_.get(), nullptr, nullptr);
  queues_.clear();
  control_.reset();
  main_.reset();
}

Owned<rd_kafka_queue_t> Member::new_queue() {
  Owned<rd_kafka_queue_t> made(rd_kafka_queue_new(client_.get()));
  rd_kafka_queue_cb_event_enable(made.get(), on_ready, this);
  return made;
}

void Member::on_ready(rd_kafka_t* /*rk*/, void* opaque) { static_cast<Member*>(opaque)->wake(); }

void Member::wake() {
  const std::lock_guard lock(wake_mutex_);
  awake_ = true;
  wake_.notify_one();
}

void Member::need(sdk::Queues queues, const sdk::Deadline& deadline) {
  for (const gander_str queue : queues) {
    const std::string name(sdk::view(queue));
    {
      const std::lock_guard lock(mutex_);
      if (subscribed_.contains(name)) continue;
    }
    topics_.need_queue(name, deadline);
    const std::lock_guard lock(mutex_);
    if (!subscribed_.insert(name).second) continue;
    to_subscribe_ = true;
    for (std::uint32_t p = 0; p < kPriorities; ++p)
      queues_.push_back(std::make_unique<Queue>(Queue{new_queue(), name, p}));
  }
  const std::lock_guard lock(mutex_);
  if (to_subscribe_ || !asked_) subscribe();
}

// Under mutex_.
void Member::subscribe() {
  const PartitionList topics = new_list();
  rd_kafka_topic_partition_list_add(topics.get(), topics_.names().scheduled().c_str(),
                                    RD_KAFKA_PARTITION_UA);
  for (const std::string& name : subscribed_)
    for (std::uint32_t p = 0; p < kPriorities; ++p)
      rd_kafka_topic_partition_list_add(topics.get(), topics_.names().ready(name, p).c_str(),
                                        RD_KAFKA_PARTITION_UA);
  const bool joining = joining_.exchange(true);
  const auto code = rd_kafka_subscribe(client_.get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    joining_ = joining;  // no answer is to come
    throw client_.error(code, "joining the group");
  }
  asked_ = true;
  to_subscribe_ = false;
}

// Nothing in here may end the thread: a worker that is alive but deaf is the worst there is.
void Member::run() {
  while (!stopping_) {
    bool busy = false, served = true;
    try {
      busy = fetch();
      begin_anew_if_cut_off();
      if (join_anew_ && !stopping_) join_anew();
      commit_if_due();
      hand_on_if_stuck();
      served = serve_request();
    } catch (const std::exception& e) {
      host_.log(GANDER_LOG_ERROR, std::string("serving the group: ") + e.what());
    }
    if (busy || (served && !requests_.empty()) || !stuck_.empty()) continue;
    const bool soon = uncommitted_ || !requests_.empty();
    std::unique_lock lock(wake_mutex_);
    wake_.wait_for(lock, soon ? kLookSoon : kLookAnyway, [this] { return awake_ || stopping_; });
    awake_ = false;
  }
  if (!replaced_) leave();
}

bool Member::fetch() {
  client_.hear();
  bool any = false;
  while (poll(0)) any = true;
  any = drain_control() || any;
  return drain_all() || any;
}

bool Member::drain_all() {
  std::vector<Queue*> queues;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& queue : queues_)
      if (!stock_.full(queue->queue, queue->priority)) queues.push_back(queue.get());
  }
  bool any = false;
  for (Queue* queue : queues) any = drain(*queue) || any;
  return any;
}

}  // namespace gander::kafka
