#include "state.h"

#include "error.h"

namespace gander::rabbitmq {
namespace {

constexpr const char* kRuns = "direct";
constexpr const char* kPaused = "fanout";

}  // namespace

bool is_paused(Client& client, const Names& names, std::string_view queue, TimePoint until) {
  return !client.declare_exchange(names.state(address_of(queue)), kRuns, until);
}

// Between the two steps a worker that looks makes it again, of the other type.
void write_paused(Client& client, const Names& names, std::string_view queue, bool paused,
                  TimePoint until) {
  const std::string name = names.state(address_of(queue));
  while (!client.declare_exchange(name, paused ? kPaused : kRuns, until)) {
    if (std::chrono::steady_clock::now() >= until)
      throw timed_out(client.where(), "the state of '" + std::string(queue) + "' was not written");
    client.delete_exchange(name, until);
  }
}

}  // namespace gander::rabbitmq
