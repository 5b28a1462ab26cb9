// gander/sdk/leases.hpp -- which incarnations live, by the host's clock, and what each holds: for a
// broker without a server that would know. C++20, header-only.
#pragma once

#include <gander/sdk/message.hpp>

#include <algorithm>
#include <cstdint>

namespace gander::sdk {

// Held is the author's: what is leased to one incarnation. Its address stays until that ends. Not
// safe between threads: used under the broker's lock. Times are Unix microseconds of
// Host::now_us().
template <class Held>
class Leases {
 public:
  explicit Leases(std::int64_t lease_us) : lease_us_(lease_us) {}
  [[nodiscard]] std::int64_t lease_us() const noexcept { return lease_us_; }

  // What open() of a CONSUME session does. INVALID_STATE when the incarnation lives (GBC-604).
  Held& begin(std::string_view incarnation, std::int64_t now_us) {
    if (all_.contains(incarnation))
      throw Error(GANDER_INVALID_STATE, quoted(incarnation) + " has a session already");
    Incarnation& one = all_[incarnation];
    one.renewed_us = now_us;
    return one.held;
  }

  // What an incarnation that lives holds. LEASE_LOST when it has ended, or never began.
  Held& of(std::string_view incarnation) { return find(incarnation).held; }

  // What tend() does first (GBC-601). LEASE_LOST as of().
  void renew(std::string_view incarnation, std::int64_t now_us) {
    find(incarnation).renewed_us = now_us;
  }

  // What the end of a CONSUME session does: gives what was held to hand_on(Held&), then forgets the
  // incarnation. Does nothing when it has ended already.
  template <class Function>
  void end(std::string_view incarnation, Function&& hand_on) {
    const auto it = all_.find(incarnation);
    if (it == all_.end()) return;
    hand_on(it->second.held);
    all_.erase(it);
  }

  // What tend() does for the dead, those not renewed for longer than the lease: as end(). What
  // hand_on throws passes, and leaves that incarnation for the next tend().
  template <class Function>
  void expire(std::int64_t now_us, Function&& hand_on) {
    for (auto it = all_.begin(); it != all_.end();) {
      Incarnation& one = it->second;
      // A clock set back must not keep the dead alive until it has caught up.
      one.renewed_us = std::min(one.renewed_us, now_us);
      const bool over = now_us - one.renewed_us > lease_us_;
      if (over) hand_on(one.held);
      it = over ? all_.erase(it) : std::next(it);
    }
  }

 private:
  struct Incarnation {
    std::int64_t renewed_us = 0;
    Held held{};
  };

  static std::string quoted(std::string_view incarnation) {
    return "incarnation '" + std::string(incarnation) + "'";
  }
  Incarnation& find(std::string_view incarnation) {
    const auto it = all_.find(incarnation);
    if (it == all_.end())
      throw Error(GANDER_LEASE_LOST, quoted(incarnation) + " has ended; begin another");
    return it->second;
  }

  std::int64_t lease_us_;
  NameMap<Incarnation> all_;
};

}  // namespace gander::sdk
