// The SQLite plugin alone, without core, doing what raw_sqlite does: how much of the distance
// between the raw program and gander is the plugin's.
//
//   sqlite_plugin --db FILE --jobs N --batch 500 --threads 16 [--waiting N]
//
// --waiting puts so many messages on another queue and this one first, that stay there.
#include <cstdio>
#include <thread>

#include "../sqlite/plugin.h"

using namespace gander::test;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Ids that grow, a body of 200 bytes; made once, as a host would hold them.
struct Maker {
  std::string body = std::string(200, 'x');
  std::string queue = "default";
  std::atomic<std::uint64_t> next{1};
  std::vector<gander_message> make(int count) {
    std::vector<gander_message> items(static_cast<std::size_t>(count));
    for (auto& m : items) {
      const std::uint64_t n = next++;
      m.id = id_of(n * 0x9E3779B97F4A7C15ULL);
      for (unsigned i = 0; i < 8; ++i)
        m.id.bytes[i] = static_cast<std::uint8_t>((1'700'000'000'000'000ULL + n) >> (56 - 8 * i));
      m.queue = str(queue);
      m.body = bytes(body);
      m.enqueued_at_us = 1'700'000'000'000'000;
      m.priority = GANDER_PRIORITY_NORMAL;
    }
    return items;
  }
};

void enqueue(Session& session, const std::vector<gander_message>& items) {
  const gander_enqueue_req req{sizeof req, sizeof(gander_message),
                               static_cast<std::uint32_t>(items.size()), 0, items.data()};
  std::vector<gander_status> verdicts(items.size());
  gander_error e = blank_error();
  must(table().enqueue(session.raw(), nullptr, &req, verdicts.data(), &e), e);
}

double enqueue_all(Session& session, Maker& maker, int jobs, int batch) {
  const auto start = std::chrono::steady_clock::now();
  for (int done = 0; done < jobs; done += batch)
    enqueue(session, maker.make(std::min(batch, jobs - done)));
  return jobs / seconds_since(start);
}

double drain(Session& consumer, int jobs, int batch) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<gander_settle> settles;
  std::vector<gander_status> verdicts;
  Taken held;
  int removed = 0;
  const gander_take take{str("default"), static_cast<std::uint32_t>(batch), 0};
  do {
    settles.clear();
    for (std::size_t i = 0; i < held.size(); ++i)
      settles.push_back({&held[i], held[i].queue, GANDER_SETTLE_ACK, 0});
    verdicts.assign(settles.size(), 0);
    const gander_exchange_req req{sizeof req,
                                  sizeof(gander_settle),
                                  static_cast<std::uint32_t>(settles.size()),
                                  sizeof(gander_take),
                                  1,
                                  0,
                                  settles.data(),
                                  &take,
                                  0};
    gander_exchange_res res{};
    res.struct_size = sizeof res;
    gander_error e = blank_error();
    must(table().exchange(consumer.raw(), nullptr, &req, verdicts.data(), &res, &e), e);
    removed += static_cast<int>(settles.size());
    held = Taken(res.taken, res.next_due_us);
  } while (held.size() > 0 && removed < jobs);
  return removed / seconds_since(start);
}

double enqueue_by_threads(Broker& broker, Maker& maker, int jobs, int threads) {
  std::vector<Session> sessions;
  for (int t = 0; t < threads; ++t) sessions.push_back(broker.open(GANDER_ROLE_PRODUCE));
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&, t] {
        for (int i = 0; i < jobs / threads; ++i)
          enqueue(sessions[static_cast<std::size_t>(t)], maker.make(1));
      });
  }
  return jobs / threads * threads / seconds_since(start);
}

void print(const char* op, double rate) {
  std::printf("{\"broker\":\"sqlite\",\"op\":\"%s\",\"rate\":%.0f}\n", op, rate);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::string path = "plugin.db";
  int jobs = 200'000, batch = 500, threads = 16, waiting = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--db") path = argv[i + 1];
    if (flag == "--jobs") jobs = std::atoi(argv[i + 1]);
    if (flag == "--batch") batch = std::atoi(argv[i + 1]);
    if (flag == "--threads") threads = std::atoi(argv[i + 1]);
    if (flag == "--waiting") waiting = std::atoi(argv[i + 1]);
  }
  for (const char* suffix : {"", "-wal", "-shm", "-wake"}) std::filesystem::remove(path + suffix);
  std::filesystem::remove_all(path + "-leases");
  FakeHost host;
  FileBroker broker(host, std::filesystem::absolute(path));
  Maker maker;
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "bench");
  if (waiting > 0) print("fill", enqueue_all(producer, maker, waiting, 1000));
  print("enqueue", enqueue_all(producer, maker, jobs, batch));
  print("drain", drain(consumer, jobs, batch));
  print("enqueue16", enqueue_by_threads(broker, maker, std::max(threads, jobs / 5), threads));
  return 0;
}
