#include "take_plan.h"

#include <algorithm>

#include "text.h"

namespace gander {

TakePlan::TakePlan(std::vector<std::pair<std::string, int>> queues, bool strict) : strict_(strict) {
  for (auto& [name, weight] : queues)
    queues_.push_back({std::move(name), std::max(1, weight), 0, false, 0});
}

std::vector<gander_take> TakePlan::next(std::size_t room) {
  std::vector<Queue*> open;
  std::int64_t total = 0;
  for (auto& q : queues_) {
    q.share = 0;
    if (q.empty) continue;
    open.push_back(&q);
    total += q.weight;
    if (strict_) break;
  }
  if (open.empty() || room == 0) return {};
  std::size_t left = room;
  for (Queue* q : open) {  // whole shares at once
    q->share = static_cast<std::uint32_t>(room * static_cast<std::size_t>(q->weight) /
                                          static_cast<std::size_t>(total));
    left -= q->share;
  }
  for (; left > 0; --left) {  // the rest one by one, to whom it is most due
    for (Queue* q : open) q->credit += q->weight;
    Queue* due = *std::max_element(open.begin(), open.end(), [](const Queue* a, const Queue* b) {
      return a->credit < b->credit;
    });
    due->credit -= total;
    ++due->share;
  }
  std::vector<gander_take> takes;
  for (const Queue* q : open)
    if (q->share > 0) takes.push_back({str(q->name), q->share, 0});
  return takes;
}

void TakePlan::answered(const gander_take& take, std::size_t got) {
  if (got >= take.max_messages) return;
  for (auto& q : queues_)
    if (q.name == view(take.queue)) q.empty = true;
}

void TakePlan::forget_empty() {
  for (auto& q : queues_) q.empty = false;
}

bool TakePlan::all_empty() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const Queue& q) { return q.empty; });
}

std::vector<std::string> TakePlan::names() const {
  std::vector<std::string> names;
  for (const auto& q : queues_) names.push_back(q.name);
  return names;
}

}  // namespace gander
