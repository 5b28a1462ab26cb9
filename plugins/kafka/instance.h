// What all sessions of one instance share. [any]
#pragma once

#include <gander/sdk/doorbell.hpp>
#include <gander/sdk/leases.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "member.h"
#include "name.h"
#include "settings.h"
#include "topics.h"

namespace gander::kafka {

class Instance {
 public:
  Instance(sdk::Host host, const sdk::Options& options);

  // Begins an incarnation; the process becomes a member of the group with its first one.
  std::shared_ptr<Member> begin(std::string_view incarnation, sdk::Queues queues,
                                const sdk::Deadline& deadline);
  // What it holds goes back to the front.
  void end(Member& member, std::string_view incarnation);
  // Throws LEASE_LOST when it has ended, or another process has taken over from this one.
  void require(std::string_view incarnation);
  void renew(std::string_view incarnation);
  // Hands on what those hold that have not been renewed for the lease; how many deliveries.
  std::uint64_t expire();
  // While there is an incarnation, else null.
  std::shared_ptr<Member> member();

  sdk::Host host;
  Settings settings;
  Topics topics;
  sdk::Doorbell bell;

 private:
  struct Held {
    std::string incarnation;
    std::weak_ptr<Member> member;
  };
  std::size_t hand_on(Member& member, const std::string& incarnation, Offsets::Counts more);

  static void require_member(const Held& held);

  Name name_;
  std::mutex mutex_;  // taken before a member's own
  std::weak_ptr<Member> member_;
  sdk::Leases<Held> leases_;
};

}  // namespace gander::kafka
