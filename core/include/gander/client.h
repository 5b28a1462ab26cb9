// gander/client.h -- enqueue jobs.
//
//   gander::Client client{broker};
//   client.enqueue(welcome, "ada@lovelace.dev", 42);
//   client.in(15min).on("mail").enqueue(welcome, "ada@lovelace.dev", 42);
//
// Thread-safe: share one. Concurrent calls are sent together, so sixteen threads cost the broker
// little more than one. Every enqueue returns the message's id once it is durable, to the degree
// the broker's page promises, or throws Error within its deadline: unavailable, timeout, full,
// too_large, unsupported, invalid_argument. After a throw the message may still have been stored,
// when a reply was lost; enqueue again under the same id() and it runs once wherever the broker can
// tell.
#pragma once

#include <gander/broker.h>
#include <gander/id.h>
#include <gander/job.h>
#include <gander/middleware.h>

#include <future>
#include <optional>

namespace gander {

enum class Priority { high = 0, normal = 1, low = 2 };

struct EnqueueOptions {
  std::string queue = "default";  // 1 to 200 bytes, no control characters, no '/'
  std::chrono::system_clock::time_point
      run_at{};  // not before; an instant that has passed: now, at the front if there is one
  Priority priority = Priority::normal;
  std::optional<Id> id;            // empty: a fresh one
  std::optional<int> max_retries;  // these four override what the handler was registered with
  std::optional<std::string> retry_queue;
  std::optional<bool> skip_dead;
  std::optional<std::chrono::milliseconds> timeout;  // of a run: then its stop token is set
  std::string trace;                                 // W3C traceparent
  std::chrono::milliseconds deadline{5000};          // of the enqueue itself
};

class Producer;  // core's own

// A way to enqueue: options and where to. Every setter returns a changed copy.
class Enqueuer {
 public:
  [[nodiscard]] Enqueuer on(std::string queue) const;
  [[nodiscard]] Enqueuer in(std::chrono::milliseconds delay) const;  // from the moment of enqueue()
  [[nodiscard]] Enqueuer at(std::chrono::system_clock::time_point when) const;
  [[nodiscard]] Enqueuer priority(Priority) const;
  [[nodiscard]] Enqueuer id(Id) const;  // of a single message: not for enqueue_all
  [[nodiscard]] Enqueuer retries(int max) const;
  [[nodiscard]] Enqueuer retry_on(std::string queue) const;
  [[nodiscard]] Enqueuer skip_dead(bool yes = true) const;
  [[nodiscard]] Enqueuer timeout(std::chrono::milliseconds of_a_run) const;
  [[nodiscard]] Enqueuer trace(std::string traceparent) const;
  [[nodiscard]] Enqueuer within(std::chrono::milliseconds deadline) const;
  [[nodiscard]] Enqueuer with(EnqueueOptions options) const;
  [[nodiscard]] const EnqueueOptions& options() const { return options_; }

  // One message; returns its id.
  template <class J, class... Args>
  Id enqueue(const J& job, const Args&... args) const {
    Writer& out = scratch();
    job.write_args(out, args...);
    return send(job.name(), job.version(), out.text());
  }

  // Returns at once; the future holds the id or the Error.
  template <class J, class... Args>
  std::future<Id> enqueue_async(const J& job, const Args&... args) const {
    Writer& out = scratch();
    job.write_args(out, args...);
    return send_async(job.name(), job.version(), out.text());
  }

  // One message per item of a range: the item is the argument, or a tuple of the arguments. Sent in
  // batches as large as the broker takes; returns the ids in order. When a batch fails, what was
  // sent before it stays enqueued, and the Error's text says how many.
  template <class J, class Range>
  std::vector<Id> enqueue_all(const J& job, const Range& range) const {
    Bulk bulk(*this, job.name(), job.version());
    for (const auto& item : range) {
      Writer& out = scratch();
      write_item(job, out, item);
      bulk.add(out.text());
    }
    return bulk.finish();
  }

  // By name, the arguments as a JSON array: for what has no Job, such as the command line.
  Id enqueue_json(std::string_view job, std::string_view args, int payload_version = 1) const;

 protected:
  Enqueuer(std::shared_ptr<Producer> producer, EnqueueOptions options);

 private:
  class Bulk {
   public:
    Bulk(const Enqueuer& to, std::string_view job, int version);
    ~Bulk();
    Bulk(const Bulk&) = delete;
    Bulk& operator=(const Bulk&) = delete;
    void add(std::string_view args);
    std::vector<Id> finish();

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  template <class J, class Item>
  static void write_item(const J& job, Writer& out, const Item& item) {
    if constexpr (requires { std::tuple_size<Item>::value; })
      std::apply([&](const auto&... arg) { job.write_args(out, arg...); }, item);
    else
      job.write_args(out, item);
  }

  static Writer& scratch();  // this thread's, cleared
  [[nodiscard]] Id send(std::string_view job, int version, std::string_view args) const;
  [[nodiscard]] std::future<Id> send_async(std::string_view job, int version,
                                           std::string_view args) const;

  std::shared_ptr<Producer> producer_;
  EnqueueOptions options_;
  std::optional<std::chrono::milliseconds> delay_;
};

class Client : public Enqueuer {
 public:
  explicit Client(const Broker& broker, EnqueueOptions defaults = {});
  // Around every enqueue; before the first one.
  Client& use(ClientMiddleware middleware);

 private:
  explicit Client(std::shared_ptr<Producer> producer, EnqueueOptions defaults);
  std::shared_ptr<Producer> producer_;
};

}  // namespace gander
