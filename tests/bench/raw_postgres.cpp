// The least honest program over libpq that stores, leases and removes a 200-byte message with the
// durability that gander's PostgreSQL broker promises: synchronous_commit on. Binary arrays, a
// prepared statement and a commit per batch; one table of what is ready, one of what is leased, an
// id that is unique; no schedule, no priority, no lease that runs out, no counters.
//
//   raw_postgres --url URL --jobs N --batch 500 --threads 16 --json
//
// prints one line per operation: enqueue (batches), drain (delete the last batch and claim the next
// in one statement), enqueue16 (single enqueues by so many threads, each with a round trip and a
// connection of its own). Its tables are in a schema of its own, made anew and dropped at the end.
#include <endian.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "raw.h"

namespace {

constexpr int kBodyBytes = 200;
constexpr std::uint32_t kBytea = 17, kUuid = 2950;

struct Close {
  void operator()(PGconn* c) const { PQfinish(c); }
  void operator()(PGresult* r) const { PQclear(r); }
};
using Conn = std::unique_ptr<PGconn, Close>;
using Result = std::unique_ptr<PGresult, Close>;

[[noreturn]] void fail(const char* text) {
  std::fprintf(stderr, "raw_postgres: %s\n", text);
  std::exit(1);
}

Result must(PGresult* raw) {
  Result result(raw);
  const auto status = PQresultStatus(raw);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(PQresultErrorMessage(raw));
  return result;
}

void exec(const Conn& c, const char* sql) { must(PQexec(c.get(), sql)); }

// The plans are held to the indexes, as the tables swing between empty and full.
Conn connect(const std::string& url) {
  Conn c(PQconnectdb(url.c_str()));
  if (PQstatus(c.get()) != CONNECTION_OK) fail(PQerrorMessage(c.get()));
  exec(c,
       "SET enable_seqscan=off; SET enable_bitmapscan=off; SET enable_sort=off; "
       "SET enable_hashjoin=off; SET enable_mergejoin=off; SET plan_cache_mode=force_generic_plan; "
       "SET jit=off; SET synchronous_commit=on; SET client_min_messages=error");
  return c;
}

// A UUIDv7: ids that grow with time.
class Ids {
 public:
  explicit Ids(std::uint64_t seed) : random_(seed) {}
  void next(char (&id)[16]) {
    ++tick_;
    const std::uint64_t in_ms = tick_ % 100 * 4095 / 100;
    const std::uint64_t high =
        htobe64((1'700'000'000'000ULL + tick_ / 100) << 16U | 0x7000U | in_ms);
    const std::uint64_t low = random_();
    std::memcpy(id, &high, 8);
    std::memcpy(id + 8, &low, 8);
  }

 private:
  std::mt19937_64 random_;
  std::uint64_t tick_ = 0;
};

class Array {
 public:
  explicit Array(std::uint32_t type) : type_(type) {}
  void clear() {
    data_.clear();
    for (const std::uint32_t head : {1U, 0U, type_, 0U, 1U}) put(head);
    count_ = 0;
  }
  void add(const char* bytes, std::size_t n) {
    put(static_cast<std::uint32_t>(n));
    data_.append(bytes, n);
    const std::uint32_t count = htobe32(++count_);
    std::memcpy(data_.data() + 12, &count, sizeof count);
  }
  [[nodiscard]] const char* data() const { return data_.data(); }
  [[nodiscard]] int size() const { return static_cast<int>(data_.size()); }

 private:
  void put(std::uint32_t value) {
    const std::uint32_t wire = htobe32(value);
    data_.append(reinterpret_cast<const char*>(&wire), sizeof wire);
  }
  std::uint32_t type_;
  std::string data_;
  std::uint32_t count_ = 0;
};

class Producer {
 public:
  Producer(const std::string& url, std::uint64_t seed) : c_(connect(url)), make_(seed) {
    must(PQprepare(c_.get(), "store",
                   "INSERT INTO gander_raw.ready(queue, seq, id, body) SELECT 1, "
                   "nextval('gander_raw.seq'), n.id, n.body FROM unnest($1::uuid[], $2::bytea[]) "
                   "AS n(id, body) ON CONFLICT (id) DO NOTHING",
                   0, nullptr));
  }

  void store(int count) {
    ids_.clear();
    bodies_.clear();
    for (int i = 0; i < count; ++i) {
      char id[16];
      make_.next(id);
      ids_.add(id, sizeof id);
      bodies_.add(body_.data(), body_.size());
    }
    const char* values[] = {ids_.data(), bodies_.data()};
    const int lengths[] = {ids_.size(), bodies_.size()}, formats[] = {1, 1};
    must(PQexecPrepared(c_.get(), "store", 2, values, lengths, formats, 1));
  }

 private:
  Conn c_;
  Ids make_;
  Array ids_{kUuid}, bodies_{kBytea};
  std::string body_ = std::string(kBodyBytes, 'x');
};

class Consumer {
 public:
  explicit Consumer(const std::string& url) : c_(connect(url)) {
    must(PQprepare(
        c_.get(), "turn",
        "WITH gone AS (DELETE FROM gander_raw.inflight WHERE ctid=ANY(ARRAY(SELECT f.ctid FROM "
        "unnest($1::uuid[]) AS n(id) CROSS JOIN LATERAL (SELECT x.ctid FROM gander_raw.inflight x "
        "WHERE x.id=n.id OFFSET 0) f))), "
        "c AS MATERIALIZED (SELECT ctid FROM gander_raw.ready WHERE queue=1 AND seq>$2::bigint "
        "ORDER BY seq LIMIT $3::bigint FOR UPDATE SKIP LOCKED), "
        "d AS (DELETE FROM gander_raw.ready r WHERE r.ctid=ANY(ARRAY(SELECT ctid FROM c)) "
        "RETURNING *) "
        "INSERT INTO gander_raw.inflight(seq, id, body) SELECT seq, id, body FROM d "
        "RETURNING seq, id, body",
        0, nullptr));
    held_.clear();
  }

  // Removes what was claimed last and claims the next; returns how many were removed.
  int turn(int batch) {
    const std::uint64_t hint = htobe64(static_cast<std::uint64_t>(seen_));
    const std::uint64_t most = htobe64(static_cast<std::uint64_t>(batch));
    const char* values[] = {held_.data(), reinterpret_cast<const char*>(&hint),
                            reinterpret_cast<const char*>(&most)};
    const int lengths[] = {held_.size(), 8, 8}, formats[] = {1, 1, 1};
    const Result rows = must(PQexecPrepared(c_.get(), "turn", 3, values, lengths, formats, 1));
    const int removed = count_;
    count_ = PQntuples(rows.get());
    held_.clear();
    for (int row = 0; row < count_; ++row) {
      std::uint64_t seq = 0;
      std::memcpy(&seq, PQgetvalue(rows.get(), row, 0), sizeof seq);
      seen_ = std::max(seen_, static_cast<std::int64_t>(be64toh(seq)));
      held_.add(PQgetvalue(rows.get(), row, 1), 16);
      copy_.assign(PQgetvalue(rows.get(), row, 2),
                   static_cast<std::size_t>(PQgetlength(rows.get(), row, 2)));
    }
    return removed;
  }
  [[nodiscard]] bool holds() const { return count_ != 0; }

 private:
  Conn c_;
  Array held_{kUuid};
  int count_ = 0;
  std::int64_t seen_ = 0;
  std::string copy_;
};

void run(const raw::Options& o) {
  const Conn cold = connect(o.place);
  exec(cold, "DROP SCHEMA IF EXISTS gander_raw CASCADE; CREATE SCHEMA gander_raw");
  exec(cold,
       "CREATE SEQUENCE gander_raw.seq;"
       "CREATE TABLE gander_raw.ready(seq bigint NOT NULL, queue int NOT NULL, id uuid NOT NULL "
       "UNIQUE, body bytea NOT NULL, PRIMARY KEY(queue, seq));"
       "CREATE TABLE gander_raw.inflight(seq bigint NOT NULL, id uuid PRIMARY KEY, body bytea NOT "
       "NULL)");
  Producer producer(o.place, 42);
  Consumer consumer(o.place);
  auto start = std::chrono::steady_clock::now();
  for (int done = 0; done < o.jobs; done += o.batch)
    producer.store(std::min(o.batch, o.jobs - done));
  o.print("enqueue", o.jobs / raw::seconds_since(start));
  start = std::chrono::steady_clock::now();
  int removed = consumer.turn(o.batch);
  while (consumer.holds()) removed += consumer.turn(o.batch);
  o.print("drain", removed / raw::seconds_since(start));
  std::vector<std::unique_ptr<Producer>> producers;
  for (int t = 0; t < o.threads; ++t)
    producers.push_back(std::make_unique<Producer>(o.place, static_cast<std::uint64_t>(t)));
  o.print("enqueue16",
          raw::rate_of_threads(o.threads, std::max(1, o.jobs / 20 / o.threads),
                               [&](int t) { producers[static_cast<std::size_t>(t)]->store(1); }));
  exec(cold, "DROP SCHEMA gander_raw CASCADE");
}

}  // namespace

int main(int argc, char** argv) {
  const raw::Options o = raw::parse(argc, argv, "postgres");
  run(o);
  return 0;
}
