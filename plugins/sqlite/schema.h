// The tables of a gander database, version 1, and what each column says.
#pragma once

#include <cstdint>

namespace gander::sqlite {

inline constexpr std::int64_t kApplicationId = 0x474E4452;  // "GNDR"
inline constexpr std::int64_t kSchemaVersion = 1;

// message   one row from enqueue to ACK or removal; `seq` is given once and never again, so that a
//           receipt cannot come to mean another message. state: 1 ready or leased, 2 scheduled,
//           4 retry, 5 dead. `due` is set in states 2 and 4 only, `died` in 5 only; they, and not
//           run_at and failed_at, are what is looked for, as those two are kept as enqueued.
// ready     the order of what may be taken: queue, priority, pos. The front is the lowest pos.
//           A table of its own, so that taking a message does not rewrite its body.
// lease     what is leased, to which incarnation (by number), and in which of its takings: `fence`.
// queue     names and numbers of queues; a number is never given to another name.
// counter   the next seq (also the next pos at the back) and the last pos given at the front.
inline constexpr const char* kSchema = R"sql(
CREATE TABLE message(
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  queue INTEGER NOT NULL,
  prio INTEGER NOT NULL,
  pos INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER,
  died INTEGER,
  flags INTEGER NOT NULL,
  enqueued_at INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  first_failed_at INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  give_backs INTEGER NOT NULL,
  note TEXT NOT NULL,
  body BLOB NOT NULL);
CREATE INDEX message_due ON message(queue, due, state) WHERE due IS NOT NULL;
CREATE INDEX message_died ON message(died, queue) WHERE died IS NOT NULL;
CREATE TABLE ready(
  queue INTEGER NOT NULL,
  prio INTEGER NOT NULL,
  pos INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY(queue, prio, pos)) WITHOUT ROWID;
CREATE TABLE lease(
  seq INTEGER PRIMARY KEY,
  incarnation INTEGER NOT NULL,
  fence INTEGER NOT NULL);
CREATE TABLE incarnation(
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  started_at INTEGER NOT NULL);
CREATE TABLE queue(
  no INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  paused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE counter(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  next_seq INTEGER NOT NULL,
  front INTEGER NOT NULL);
INSERT INTO counter VALUES(1, 1, 0);
)sql";

}  // namespace gander::sqlite
