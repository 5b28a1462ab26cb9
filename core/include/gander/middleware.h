// gander/middleware.h -- code around every run and every enqueue.
//
//   worker.use([](gander::Context& context, const gander::Next& next) {
//     ...before...
//     next();  // the rest of the chain, then the handler; throws what the handler threw
//     ...after...
//   });
//
// Middlewares run in the order of use(). One that does not call next() swallows the run: it counts
// as done. They are called from several threads at once.
#pragma once

#include <gander/context.h>

#include <functional>
#include <string>

namespace gander {

using Next = std::function<void()>;
using Middleware = std::function<void(Context&, const Next&)>;

// A message about to be enqueued, for Client::use(). Change what you like; not calling next() drops
// it, and the enqueue still returns its id.
struct Outgoing {
  Id id;
  std::string job;
  std::string args;  // a JSON array
  std::string queue;
  std::string trace;
};
using ClientMiddleware = std::function<void(Outgoing&, const Next&)>;

}  // namespace gander
