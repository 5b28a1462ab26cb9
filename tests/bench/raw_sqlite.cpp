// The least honest program over sqlite3 that stores, leases and removes a 200-byte message, with
// the durability that gander's SQLite broker promises: an enqueue is on the disk when it returns
// (synchronous=FULL), a claim and a delete are written, not synced (NORMAL). One table, an id that
// is unique, a partial index over what is ready; no schedule, no priority, no fence, no counters.
//
//   raw_sqlite --db FILE --jobs N --batch 500 --threads 16 --json
//
// prints one line per operation: enqueue (batches), drain (delete the last batch and claim the
// next in one transaction), enqueue16 (single enqueues by so many threads, committed in groups).
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "raw.h"

namespace {

constexpr int kBodyBytes = 200;

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using Db = std::unique_ptr<sqlite3, Close>;
using Stmt = std::unique_ptr<sqlite3_stmt, Close>;

void must(int result, sqlite3* db) {
  if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
  std::fprintf(stderr, "raw_sqlite: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

void exec(const Db& db, const char* sql) {
  must(sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr), db.get());
}

Db open_db(const std::string& path, const char* synchronous) {
  sqlite3* raw = nullptr;
  must(sqlite3_open(path.c_str(), &raw), raw);
  Db db(raw);
  sqlite3_busy_timeout(raw, 10'000);
  exec(db, "PRAGMA journal_mode=WAL");
  exec(db, "PRAGMA wal_autocheckpoint=4000");
  exec(db, "PRAGMA secure_delete=OFF");
  exec(db, "PRAGMA cache_size=-4000");
  exec(db, (std::string("PRAGMA synchronous=") + synchronous).c_str());
  return db;
}

Stmt prepare(const Db& db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  must(sqlite3_prepare_v3(db.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr), db.get());
  return Stmt(raw);
}

void run(const Db& db, const Stmt& s) {
  must(sqlite3_step(s.get()), db.get());
  sqlite3_reset(s.get());
}

// A UUIDv7: ids that grow with time.
struct Ids {
  std::mt19937_64 random{42};
  std::uint64_t tick = 0;
  void next(unsigned char (&id)[16]) {
    const std::uint64_t high = (1'700'000'000'000ULL + ++tick / 100) << 16U | 0x7000U;
    const std::uint64_t low = random();
    for (unsigned i = 0; i < 8; ++i) {
      id[i] = static_cast<unsigned char>(high >> (56 - 8 * i));
      id[8 + i] = static_cast<unsigned char>(low >> (56 - 8 * i));
    }
    id[6] = static_cast<unsigned char>(0x70U | (tick % 100 * 4095 / 100) >> 8U);
    id[7] = static_cast<unsigned char>(tick % 100 * 4095 / 100);
  }
};

class Producer {
 public:
  explicit Producer(const std::string& path)
      : db_(open_db(path, "FULL")),
        begin_(prepare(db_, "BEGIN IMMEDIATE")),
        commit_(prepare(db_, "COMMIT")),
        insert_(prepare(db_, "INSERT INTO job(id, queue, body) VALUES(?1, 1, ?2)")) {}

  void store(int count) {
    run(db_, begin_);
    for (int i = 0; i < count; ++i) {
      unsigned char id[16];
      ids_.next(id);
      sqlite3_bind_blob(insert_.get(), 1, id, 16, SQLITE_STATIC);
      sqlite3_bind_blob(insert_.get(), 2, body_.data(), kBodyBytes, SQLITE_STATIC);
      run(db_, insert_);
    }
    run(db_, commit_);
  }

 private:
  Db db_;
  Stmt begin_, commit_, insert_;
  Ids ids_;
  std::string body_ = std::string(kBodyBytes, 'x');
};

class Consumer {
 public:
  explicit Consumer(const std::string& path)
      : db_(open_db(path, "NORMAL")),
        begin_(prepare(db_, "BEGIN IMMEDIATE")),
        commit_(prepare(db_, "COMMIT")),
        claim_(prepare(db_,
                       "UPDATE job SET worker=1 WHERE seq IN (SELECT seq FROM job WHERE worker IS "
                       "NULL AND queue=1 ORDER BY seq LIMIT ?1) RETURNING seq, id, body")),
        remove_(prepare(db_, "DELETE FROM job WHERE seq=?1 AND worker=1")) {}

  // Removes what was claimed last and claims the next; returns how many were removed.
  int turn(int batch) {
    run(db_, begin_);
    for (const sqlite3_int64 seq : held_) {
      sqlite3_bind_int64(remove_.get(), 1, seq);
      run(db_, remove_);
    }
    const int removed = static_cast<int>(held_.size());
    held_.clear();
    sqlite3_bind_int(claim_.get(), 1, batch);
    while (sqlite3_step(claim_.get()) == SQLITE_ROW) {
      held_.push_back(sqlite3_column_int64(claim_.get(), 0));
      const auto* body = static_cast<const char*>(sqlite3_column_blob(claim_.get(), 2));
      copy_.assign(body, static_cast<std::size_t>(sqlite3_column_bytes(claim_.get(), 2)));
    }
    sqlite3_reset(claim_.get());
    run(db_, commit_);
    return removed;
  }
  [[nodiscard]] bool holds() const { return !held_.empty(); }

 private:
  Db db_;
  Stmt begin_, commit_, claim_, remove_;
  std::vector<sqlite3_int64> held_;
  std::string copy_;
};

}  // namespace

int main(int argc, char** argv) {
  const raw::Options o = raw::parse(argc, argv, "sqlite", "--db");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(o.place + suffix);
  exec(open_db(o.place, "FULL"),
       "CREATE TABLE job(seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
       " queue INTEGER NOT NULL, worker INTEGER, body BLOB NOT NULL);"
       "CREATE INDEX ready ON job(queue, seq) WHERE worker IS NULL");
  Producer producer(o.place);
  Consumer consumer(o.place);
  auto start = std::chrono::steady_clock::now();
  for (int done = 0; done < o.jobs; done += o.batch)
    producer.store(std::min(o.batch, o.jobs - done));
  o.print("enqueue", o.jobs / raw::seconds_since(start));
  start = std::chrono::steady_clock::now();
  int removed = consumer.turn(o.batch);
  while (consumer.holds()) removed += consumer.turn(o.batch);
  o.print("drain", removed / raw::seconds_since(start));
  raw::Group group([&producer](int n) { producer.store(n); });
  o.print("enqueue16", raw::rate_of_threads(o.threads, std::max(1, o.jobs / 5 / o.threads),
                                            [&group](int) { group.store_one(); }));
  return 0;
}
