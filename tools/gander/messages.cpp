#include "messages.h"

#include <algorithm>
#include <charconv>
#include <iostream>

#include "environment.h"
#include "exit_codes.h"
#include "output.h"
#include "values.h"

namespace gander::cli {
namespace {

constexpr std::uint32_t kPage = 500;

// A place in a list: the state, and the broker's cursor in it. As text "ready/41", with %XX for
// what a terminal or a shell would not carry.
struct Place {
  State state = State::ready;
  std::string cursor;
};

std::string place_text(const MessageView& m) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = std::string(to_string(m.state)) + "/";
  for (const char c : m.cursor) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == ':' || c == ',')
      out += c;
    else
      (((out += '%') += kHex[byte >> 4U]) += kHex[byte & 0xFU]);
  }
  return out;
}

Place place_of(const std::string& text) {
  const auto refuse = [&] {
    throw UsageError{"--after must be what a list printed as its next place, not '" + text + "'"};
  };
  Place place;
  const std::size_t slash = text.find('/');
  const auto state = state_from(text.substr(0, slash));
  if (slash == std::string::npos || !state) refuse();
  place.state = *state;
  for (std::size_t i = slash + 1; i < text.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      const char* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
        refuse();
      i += 2;
    }
    place.cursor += static_cast<char>(byte);
  }
  return place;
}

struct Filter {
  std::string queue, pattern;

  explicit Filter(const Arguments& a) : queue(a.text("queue")), pattern(a.text("pattern")) {}
  [[nodiscard]] bool wants(const MessageView& m) const {
    return pattern.empty() || fits(pattern, m.job) || fits(pattern, m.id.to_string());
  }
};

// Shows each message of `states` from `after` on to the visitor, until that returns false.
void visit(Admin& admin, const std::vector<State>& states, const Filter& filter,
           const std::optional<Place>& after, const std::function<bool(MessageView&)>& visitor) {
  bool begun = !after;
  for (const State state : states) {
    if (!begun && state != after->state) continue;
    std::string cursor = begun ? "" : after->cursor;
    begun = true;
    for (;;) {
      std::vector<MessageView> page = admin.list(state, filter.queue, cursor, kPage);
      for (MessageView& m : page)
        if (filter.wants(m) && !visitor(m)) return;
      if (page.size() < kPage) break;
      cursor = page.back().cursor;
    }
  }
}

void write_message(Writer& out, const MessageView& m, bool whole) {
  out.begin_object();
  json_field(out, "id", m.id.to_string());
  json_field(out, "state", to_string(m.state));
  json_field(out, "queue", m.queue);
  json_field(out, "job", m.job);
  out.key("args");
  if (m.job.empty())
    out.null();
  else
    out.raw(m.args);
  json_field(out, "payload_version", std::int64_t{m.payload_version});
  json_field(out, "priority", m.priority == 0 ? "high" : m.priority == 1 ? "normal" : "low");
  json_field(out, "attempts", std::int64_t{m.attempts});
  json_field(out, "crashes", std::int64_t{m.crashes});
  json_field(out, "give_backs", std::int64_t{m.give_backs});
  json_time(out, "enqueued_at", m.enqueued_at);
  json_time(out, "run_at", m.run_at);
  json_time(out, "first_failed_at", m.first_failed_at);
  json_time(out, "failed_at", m.failed_at);
  json_field(out, "note", m.note);
  if (whole && m.job.empty())
    json_field(out, "body_bytes", static_cast<std::int64_t>(m.body.size()));
  out.end_object();
}

// When it last changed, as the state asks: the time that an operator looks for.
TimePoint time_that_matters(const MessageView& m) {
  if (m.state == State::dead) return m.failed_at;
  if (m.state == State::scheduled || m.state == State::retry) return m.run_at;
  return m.enqueued_at;
}

void print_page(const std::vector<MessageView>& page, const std::string& next, bool dead) {
  Table table({"ID", dead ? "DIED" : "STATE", dead ? "QUEUE" : "TIME", dead ? "JOB" : "QUEUE",
               dead ? ">ATTEMPTS" : "JOB", dead ? "WHY" : "ARGS"});
  for (const MessageView& m : page) {
    const std::string job = m.job.empty() ? "(unreadable)" : one_line(m.job, 40);
    if (dead)
      table.add({m.id.to_string(), time_text(m.failed_at), one_line(m.queue, 24), job,
                 std::to_string(m.attempts), one_line(m.note, 60)});
    else
      table.add({m.id.to_string(), std::string(to_string(m.state)), time_text(time_that_matters(m)),
                 one_line(m.queue, 24), job, one_line(m.args, 60)});
  }
  table.print();
  if (!next.empty()) std::cout << "more: --after " << next << '\n';
}

std::string duration_since(TimePoint then) {
  const auto s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - then)
          .count();
  if (s < 0) return "in " + std::to_string(-s) + " s";
  return std::to_string(s) + " s ago";
}

std::string with_age(TimePoint time) {
  const std::string text = time_text(time);
  return text.empty() ? text : text + " (" + duration_since(time) + ")";
}

Id id_of(const std::string& text) { return Id::parse(text); }

// Of those named by id, one at a time, so that each that could not be done is told with its reason.
int change_named(const Arguments& a, Admin& admin, const std::vector<State>& states,
                 const Change& change, std::uint64_t& done) {
  int code = kOk;
  for (const std::string& text : a.list("ID")) {
    const Id id = id_of(text);
    const auto found = admin.get(id);
    const bool right =
        found && std::find(states.begin(), states.end(), found->state) != states.end();
    if (right && change.act(admin, {id}) == 1) {
      ++done;
      continue;
    }
    code = kNo;
    std::cerr << "gander: " << text << ": "
              << (!found ? "there is no such message"
                         : "its state is " + std::string(to_string(found->state)) +
                               (found->state == State::leased ? ": it belongs to its worker" : ""))
              << '\n';
  }
  return code;
}

// The ids are gathered first: a list that is changed while it is read would skip some.
std::vector<Id> ids_that_fit(const Arguments& a, Admin& admin, const std::vector<State>& states) {
  std::vector<Id> ids;
  visit(admin, states, Filter(a), {}, [&](const MessageView& m) {
    ids.push_back(m.id);
    return true;
  });
  return ids;
}

void check_choice(const Arguments& a) {
  const bool named = a.has("ID");
  const bool chosen = a.has("pattern") || a.has("queue");
  if (named && chosen) throw UsageError{"give IDs, or --pattern and --queue, not both"};
  if (!named && !chosen) throw UsageError{"which ones? Give IDs, or --pattern '*'"};
}

}  // namespace

int list_messages(const Arguments& a, const std::vector<State>& states) {
  const auto limit = static_cast<std::size_t>(a.number("limit", 50, 1, 100'000));
  std::optional<Place> after;
  if (a.has("after")) after = place_of(a.text("after"));
  if (after && std::find(states.begin(), states.end(), after->state) == states.end())
    throw UsageError{"--after: that place is in another state than this list"};
  Admin admin = open_admin(a);
  std::vector<MessageView> page;
  std::string next;
  visit(admin, states, Filter(a), after, [&](MessageView& m) {
    if (page.size() == limit) next = place_text(page.back());
    if (next.empty()) page.push_back(std::move(m));
    return next.empty();
  });
  if (!a.json()) {
    print_page(page, next, states == std::vector{State::dead});
    return kOk;
  }
  print_json([&](Writer& out) {
    out.begin_object();
    out.key("messages");
    out.begin_array();
    for (const MessageView& m : page) write_message(out, m, false);
    out.end_array();
    out.key("next");
    next.empty() ? out.null() : out.string(next);
    out.end_object();
  });
  return kOk;
}

int show_message(const Arguments& a, std::optional<State> only) {
  const Id id = id_of(a.text("ID"));
  const auto m = open_admin(a).get(id);
  if (!m || (only && m->state != *only))
    throw Declined{"there is no " + std::string(only ? "dead letter " : "message ") +
                   id.to_string()};
  if (a.json()) {
    print_json([&](Writer& out) { write_message(out, *m, true); });
    return kOk;
  }
  print_pairs({{"id", m->id.to_string()},
               {"state", std::string(to_string(m->state))},
               {"queue", m->queue},
               {"job", m->job.empty() ? "(its body cannot be read)" : m->job},
               {"args", m->args},
               {"payload version", std::to_string(m->payload_version)},
               {"priority", m->priority == 0   ? "high"
                            : m->priority == 1 ? "normal"
                                               : "low"},
               {"attempts", std::to_string(m->attempts)},
               {"crashes", std::to_string(m->crashes)},
               {"give-backs", std::to_string(m->give_backs)},
               {"enqueued", with_age(m->enqueued_at)},
               {"runs", with_age(m->run_at)},
               {"first failed", with_age(m->first_failed_at)},
               {"last failed", with_age(m->failed_at)},
               {"note", m->note}});
  return kOk;
}

int change_messages(const Arguments& a, const std::vector<State>& states, const Change& change) {
  check_choice(a);
  Admin admin = open_admin(a);
  std::uint64_t done = 0;
  int code = kOk;
  if (a.has("ID")) {
    code = change_named(a, admin, states, change, done);
  } else {
    const std::vector<Id> ids = ids_that_fit(a, admin, states);
    if (ids.empty()) throw Declined{"no message fits"};
    if (!a.has("yes"))
      throw Declined{std::to_string(ids.size()) +
                     " messages fit; repeat the command with --yes to go on"};
    for (std::size_t i = 0; i < ids.size(); i += kPage) {
      const std::size_t end = std::min(ids.size(), i + kPage);
      done += change.act(admin, {ids.begin() + static_cast<std::ptrdiff_t>(i),
                                 ids.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  }
  if (a.json()) {
    print_json([&](Writer& out) {
      out.begin_object();
      json_field(out, change.verb, static_cast<std::int64_t>(done));
      out.end_object();
    });
  } else {
    std::cout << change.verb << " " << done << (done == 1 ? " message" : " messages") << '\n';
  }
  return code;
}

}  // namespace gander::cli
