// The least honest program over hiredis that stores, leases and removes a 200-byte message: a list
// with the bodies in it, a hash of what is leased, and one script that removes what was done and
// leases the next. No id that is unique, no schedule, no priority, no fence, no counters.
//
//   raw_redis --url redis://HOST:PORT --jobs N --batch 500 --threads 16 --json
//
// prints one line per operation: enqueue (a batch of LPUSHes in one write, then their replies),
// drain (the script, by one connection), enqueue16 (single LPUSHes by so many threads, each with a
// connection of its own and one round trip a message).
#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "raw.h"

namespace {

constexpr std::size_t kBodyBytes = 200;
constexpr std::size_t kIdBytes = 16;

struct Free {
  void operator()(redisContext* c) const { redisFree(c); }
  void operator()(redisReply* r) const { freeReplyObject(r); }
};
using Context = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "raw_redis: %s\n", why);
  std::exit(1);
}

Context connect(const std::string& url) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t colon = url.find(':', host);
  const int port = colon == std::string::npos ? 6379 : std::atoi(url.c_str() + colon + 1);
  Context c(redisConnect(url.substr(host, colon - host).c_str(), port));
  if (!c || c->err != 0) fail(c ? c->errstr : "out of memory");
  return c;
}

Reply receive(const Context& c) {
  void* raw = nullptr;
  if (redisGetReply(c.get(), &raw) != REDIS_OK) fail(c->errstr);
  Reply reply(static_cast<redisReply*>(raw));
  if (reply->type == REDIS_REPLY_ERROR) fail(reply->str);
  return reply;
}

// Borrows its words until it was queued.
class Command {
 public:
  Command& add(std::string_view word) {
    words_.push_back(word.data());
    lengths_.push_back(word.size());
    return *this;
  }
  void queue(const Context& c) const {
    redisAppendCommandArgv(c.get(), static_cast<int>(words_.size()),
                           const_cast<const char**>(words_.data()), lengths_.data());
  }
  Reply run(const Context& c) const {  // NOLINT(modernize-use-nodiscard)
    queue(c);
    return receive(c);
  }

 private:
  std::vector<const char*> words_;
  std::vector<std::size_t> lengths_;
};

// Ids that grow with time, as the first bytes of a body.
std::vector<std::string> make_bodies(std::uint64_t first, std::size_t count) {
  std::vector<std::string> bodies(count, std::string(kBodyBytes, 'x'));
  for (std::size_t i = 0; i < count; ++i) {
    char id[kIdBytes + 1];
    const std::uint64_t number = first + i;
    std::snprintf(id, sizeof id, "%016" PRIx64, number);
    std::memcpy(bodies[i].data(), id, kIdBytes);
  }
  return bodies;
}

void push(const Context& c, const std::vector<std::string>& bodies) {
  for (const std::string& body : bodies) Command().add("LPUSH").add("raw:ready").add(body).queue(c);
  for (std::size_t i = 0; i < bodies.size(); ++i) receive(c);
}

constexpr std::string_view kTurn = R"lua(
if #ARGV > 1 then redis.call('HDEL', KEYS[2], unpack(ARGV, 2)) end
local bodies = redis.call('RPOP', KEYS[1], ARGV[1])
if not bodies then return {} end
local held = {}
for i = 1, #bodies do
  held[2 * i - 1] = string.sub(bodies[i], 1, 16)
  held[2 * i] = bodies[i]
end
redis.call('HSET', KEYS[2], unpack(held))
return bodies
)lua";

// Removes what was leased last and leases the next; returns how many were removed in all.
std::size_t drain(const Context& c, std::size_t batch) {
  const Reply loaded = Command().add("SCRIPT").add("LOAD").add(kTurn).run(c);
  const std::string sha(loaded->str, loaded->len), most = std::to_string(batch);
  std::vector<std::string> held;
  std::size_t removed = 0;
  do {
    Command command;
    command.add("EVALSHA").add(sha).add("2").add("raw:ready").add("raw:held").add(most);
    for (const std::string& id : held) command.add(id);
    const Reply bodies = command.run(c);
    removed += held.size();
    held.clear();
    std::string copy;
    for (std::size_t i = 0; i < bodies->elements; ++i) {
      copy.assign(bodies->element[i]->str, bodies->element[i]->len);
      held.push_back(copy.substr(0, kIdBytes));
    }
  } while (!held.empty());
  return removed;
}

}  // namespace

int main(int argc, char** argv) {
  const raw::Options o = raw::parse(argc, argv, "redis");
  const auto jobs = static_cast<std::size_t>(o.jobs), batch = static_cast<std::size_t>(o.batch);
  const Context c = connect(o.place);
  const Command clean = Command().add("DEL").add("raw:ready").add("raw:held");
  clean.run(c);
  auto start = std::chrono::steady_clock::now();
  for (std::size_t done = 0; done < jobs; done += batch)
    push(c, make_bodies(done, std::min(batch, jobs - done)));
  o.print("enqueue", o.jobs / raw::seconds_since(start));
  start = std::chrono::steady_clock::now();
  const std::size_t removed = drain(c, batch);
  o.print("drain", static_cast<double>(removed) / raw::seconds_since(start));
  std::vector<Context> connections;
  for (int t = 0; t < o.threads; ++t) connections.push_back(connect(o.place));
  const auto one = make_bodies(0, 1);
  o.print("enqueue16",
          raw::rate_of_threads(o.threads, std::max(1, o.jobs / 5 / o.threads), [&](int t) {
            push(connections[static_cast<std::size_t>(t)], one);
          }));
  clean.run(c);
  return 0;
}
