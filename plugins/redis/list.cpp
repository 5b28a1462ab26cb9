// The lists of inspect/1: messages of one state, in pages that a cursor goes on from.
#include <gander/sdk/message_bytes.hpp>

#include <algorithm>
#include <charconv>

#include "inspect.h"

namespace gander::redis {
namespace {

constexpr std::int64_t kPage = 200;

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

// "NUMBER.ID.REST", as a cursor is written here: a time or a place, the id, the name of a queue.
struct Cursor {
  std::int64_t number = 0;
  std::string id, rest;
  bool set = false;
};

Cursor read_cursor(std::string_view text) {
  Cursor cursor;
  if (text.empty()) return cursor;
  const std::size_t dot = text.find('.'), second = text.find('.', dot + 1);
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + std::min(dot, text.size()), cursor.number);
  if (dot == std::string_view::npos || second == std::string_view::npos || problem != std::errc{} ||
      end != text.data() + dot)
    throw sdk::Error(GANDER_INVALID_ARGUMENT,
                     "messages: '" + std::string(text) +
                         "' is not a cursor; pass the one that came with a message, or none");
  cursor.id = text.substr(dot + 1, second - dot - 1);
  cursor.rest = text.substr(second + 1);
  cursor.set = true;
  return cursor;
}

std::string write_cursor(std::int64_t number, std::string_view id, std::string_view rest) {
  return std::to_string(number) + "." + hex(id) + "." + std::string(rest);
}

}  // namespace

std::vector<std::string> Inspector::names_of(std::string_view queue) {
  if (queue.empty()) return finder_.queue_names();
  return {std::string(queue)};
}

void Inspector::messages(std::string_view queue, std::uint32_t state, std::string_view after,
                         std::uint32_t limit, const sdk::MessageVisitor& visit) {
  if (limit == 0) return;
  std::uint32_t shown = 0;
  const Show show = [&](const Item& item) {
    gander_message m = sdk::read_message(item.bytes);
    if (state == GANDER_STATE_LEASED && !queue.empty() && sdk::view(m.queue) != queue) return true;
    m.state = state;
    return visit(m, item.cursor) && ++shown < limit;
  };
  if (state == GANDER_STATE_READY) return list_ready(names_of(queue), after, show);
  if (state == GANDER_STATE_LEASED) return list_held(after, show);
  list_timed(names_of(queue), state, after, show);
}

// From the front, the right end, on. A place counts from there, so it moves towards the front as
// others are taken; one that was removed left its place empty.
void Inspector::list_ready(const std::vector<std::string>& names, std::string_view after,
                           const Show& show) {
  const Cursor cursor = read_cursor(after);
  for (const std::string& name : names) {
    const QueueKeys queue(instance_.keys, name);
    for (const std::string& list : queue.ready) {
      const bool here = cursor.set && cursor.rest == list;
      if (cursor.set && !here && list_order(list) < list_order(cursor.rest)) continue;
      if (!list_one(list, here ? place_behind(list, cursor.number, cursor.id) : 0, show)) return;
    }
  }
}

// By queue, then priority: "{gander}:ready:1:mail" as "mail", "1".
std::pair<std::string, std::string> Inspector::list_order(const std::string& list) const {
  const std::size_t at = instance_.keys.prefix.size() + std::string_view("ready:").size();
  return {list.substr(std::min(list.size(), at + 2)), list.substr(std::min(list.size(), at), 1)};
}

bool Inspector::list_one(const std::string& list, std::int64_t place, const Show& show) {
  for (;;) {
    const Reply page = read_places(list, place, kPage);
    for (std::size_t i = page.size(); i-- > 0; ++place) {
      const std::string_view bytes = page[i].text();
      if (bytes.empty()) continue;
      const std::string cursor = write_cursor(place, sdk::view(sdk::read_message(bytes).id), list);
      if (!show({std::string(bytes), cursor})) return false;
    }
    if (page.size() < static_cast<std::size_t>(kPage)) return true;
  }
}

Reply Inspector::read_places(const std::string& list, std::int64_t from, std::int64_t count) {
  return connection_.call(Command{"LRANGE", list}.add(-(from + count)).add(-(from + 1)),
                          "listing messages");
}

std::int64_t Inspector::place_behind(const std::string& list, std::int64_t place,
                                     const std::string& id) {
  const auto is_it = [&id](std::string_view bytes) {
    return !bytes.empty() && hex(sdk::view(sdk::read_message(bytes).id)) == id;
  };
  const Reply same = read_places(list, place, 1);
  if (same.size() == 1 && (same[0].text().empty() || is_it(same[0].text()))) return place + 1;
  for (std::int64_t from = 0; from < place; from += kPage) {
    const Reply page = read_places(list, from, std::min(kPage, place - from));
    for (std::size_t i = page.size(); i-- > 0;) {
      const auto back = static_cast<std::int64_t>(page.size() - 1 - i);
      if (is_it(page[i].text())) return from + back + 1;
    }
  }
  return 0;  // it was taken, and with it all that were before it
}

// As the lists are short, and in the order of their ids, which is that of time.
void Inspector::list_held(std::string_view after, const Show& show) {
  const Cursor cursor = read_cursor(after);
  std::vector<std::pair<std::string, std::string>> held;  // id, key of the hash
  for (const std::string& name : finder_.incarnations()) {
    const std::string key = instance_.keys.held(name);
    const Reply ids = connection_.call({"HKEYS", key}, "listing messages");
    for (std::size_t i = 0; i < ids.size(); ++i) held.emplace_back(ids[i].text(), key);
  }
  std::ranges::sort(held);
  for (const auto& [id, key] : held) {
    if (cursor.set && hex(id) <= cursor.id) continue;
    const Reply bytes = connection_.call({"HGET", key, id}, "listing messages");
    if (bytes.view().is_null()) continue;  // settled meanwhile
    if (!show({std::string(bytes.view().text()), write_cursor(0, id, {})})) return;
  }
}

// Of all queues together, so a page is read of each and merged: by time, then by id.
void Inspector::list_timed(const std::vector<std::string>& names, std::uint32_t state,
                           std::string_view after, const Show& show) {
  const bool newest_first = state == GANDER_STATE_DEAD;
  Cursor cursor = read_cursor(after);
  for (;;) {
    std::vector<Timed> page;
    for (const std::string& name : names)
      read_timed(name, state, cursor.set, cursor.number, cursor.id, page);
    const auto before = [newest_first](const Timed& a, const Timed& b) {
      const auto key = [](const Timed& t) { return std::tie(t.time, t.id); };
      return newest_first ? key(b) < key(a) : key(a) < key(b);
    };
    std::ranges::sort(page, before);
    if (page.size() > static_cast<std::size_t>(kPage)) page.resize(kPage);
    for (const Timed& t : page) {
      const QueueKeys queue(instance_.keys, t.queue);
      const Reply bytes = connection_.call({"HGET", newest_first ? queue.dead : queue.later, t.id},
                                           "listing messages");
      if (bytes.view().is_null()) continue;  // moved on meanwhile
      if (!show({std::string(bytes.view().text()), write_cursor(t.time, t.id, {})})) return;
    }
    if (page.size() < static_cast<std::size_t>(kPage)) return;
    cursor = {page.back().time, hex(page.back().id), {}, true};
  }
}

// Up to a page of one queue that comes after the cursor. Several may share its time.
void Inspector::read_timed(const std::string& name, std::uint32_t state, bool from_cursor,
                           std::int64_t time, const std::string& id, std::vector<Timed>& page) {
  const QueueKeys queue(instance_.keys, name);
  const bool down = state == GANDER_STATE_DEAD;
  const std::string& times = down                          ? queue.died
                             : state == GANDER_STATE_RETRY ? queue.retry
                                                           : queue.sched;
  const std::string start = from_cursor ? std::to_string(time) : (down ? "+inf" : "-inf");
  const char* const end = down ? "-inf" : "+inf";
  std::int64_t got = 0;
  for (std::int64_t offset = 0; got < kPage; offset += kPage) {
    Command command{
        down ? "ZREVRANGEBYSCORE" : "ZRANGEBYSCORE", times, start, end, "WITHSCORES", "LIMIT"};
    const Reply reply = connection_.call(command.add(offset).add(kPage), "listing messages");
    for (std::size_t i = 0; i + 1 < reply.size(); i += 2) {
      const Timed t{time_of_score(reply[i + 1].text()), std::string(reply[i].text()), name};
      const std::string its = hex(t.id);
      const bool seen = from_cursor && t.time == time && (down ? its >= id : its <= id);
      if (seen) continue;
      page.push_back(t);
      ++got;
    }
    if (reply.size() < static_cast<std::size_t>(2 * kPage)) return;
  }
}

// A score comes as "1764000000000000" or, from some versions, as "1.764e+15".
std::int64_t Inspector::time_of_score(std::string_view score) {
  double value = 0;
  std::from_chars(score.data(), score.data() + score.size(), value);
  return static_cast<std::int64_t>(value);
}

}  // namespace gander::redis
