#include "name.h"

#include <algorithm>
#include <random>
#include <vector>

#include "admin.h"
#include "names.h"

namespace gander::kafka {

std::uint64_t new_token() {
  std::random_device random;
  // As many bits as a number in the metadata holds.
  return ((std::uint64_t{random()} << 32U) | random()) >> 8U;
}

std::string text_of(std::uint64_t token) {
  std::string text;
  for (; token != 0; token >>= 4U) text += "0123456789abcdef"[token & 15U];
  return text;
}

std::string Name::in_group(sdk::Queues queues) const {
  if (settings_.member.empty()) return {};
  std::vector<std::string_view> names;
  for (const gander_str queue : queues) names.push_back(sdk::view(queue));
  std::ranges::sort(names);
  std::uint64_t hash = kFnvBegin;
  for (const std::string_view name : names)
    hash = fnv1a("/", fnv1a(name, hash));  // no name has one
  return settings_.member + "." + text_of(hash);
}

void Name::joined_as(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ids_.insert(id);
}

void Name::lost() {
  const std::lock_guard lock(mutex_);
  lost_ = true;
}

void Name::check(Client& client, const std::string& in_group, const sdk::Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  if (!lost_ || in_group.empty()) return;
  for (const GroupMember& member : Admin(client).group(settings_.prefix, deadline).members) {
    // A request of ours that came late fences us as well; then there is nobody else.
    if (member.instance != in_group || ids_.contains(member.id)) continue;
    throw sdk::Error(GANDER_UNAVAILABLE,
                     settings_.where() + ": joining the group: another process, on " + member.host +
                         ", goes by the name '" + settings_.member +
                         "'; give each worker process an option 'member' of its own, or none",
                     GANDER_ERROR_RETRYABLE);
  }
}

}  // namespace gander::kafka
