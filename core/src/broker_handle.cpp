#include "broker_handle.h"

#include <algorithm>
#include <cstring>

#include "text.h"

namespace gander {
namespace {

// Filled before a call, so that an item the plugin forgot is seen as such and not as a success.
void unanswered(std::span<gander_status> verdicts) {
  std::fill(verdicts.begin(), verdicts.end(), GANDER_NOT_ATTEMPTED);
}

const gander_broker_table* checked_table(const LoadedPlugin& plugin) {
  const gander_component* component = plugin.component(GANDER_BROKER_KIND);
  const auto refuse = [&](const std::string& why) {
    throw Error(Code::config, "plugin " + plugin.file + ": " + why);
  };
  if (component == nullptr) refuse("offers no gander.broker/1");
  const auto* table = static_cast<const gander_broker_table*>(component->table);
  if (table == nullptr || !GANDER_HAS(gander_broker_table, table, interrupt))
    refuse("its broker table is shorter than gander.broker/1");
  const std::pair<const char*, bool> required[] = {
      {"create", table->create != nullptr},
      {"destroy", table->destroy != nullptr},
      {"info", table->info != nullptr},
      {"get_extension", table->get_extension != nullptr},
      {"open_session", table->open_session != nullptr},
      {"close_session", table->close_session != nullptr},
      {"enqueue", table->enqueue != nullptr},
      {"exchange", table->exchange != nullptr},
      {"tend", table->tend != nullptr},
      {"interrupt", table->interrupt != nullptr}};
  for (const auto& [name, there] : required)
    if (!there) refuse(std::string("its broker table lacks the required function ") + name);
  return table;
}

}  // namespace

Session::Session(std::shared_ptr<BrokerHandle> broker, gander_session* session)
    : broker_(std::move(broker)), session_(session) {}

Session::~Session() { broker_->table().close_session(session_); }

Status Session::enqueue(std::span<const gander_message> messages, std::span<gander_status> verdicts,
                        std::chrono::microseconds timeout) {
  unanswered(verdicts);
  const Call call(timeout);
  const gander_enqueue_req req{sizeof(req), sizeof(gander_message),
                               static_cast<std::uint32_t>(messages.size()), 0, messages.data()};
  Status status;
  status.code =
      broker_->table().enqueue(session_, call.abi(), &req, verdicts.data(), &status.error);
  return status;
}

Status Session::exchange(std::span<const gander_settle> settles, std::span<gander_status> verdicts,
                         std::span<const gander_take> takes, std::uint64_t max_bytes,
                         std::chrono::microseconds timeout, Exchanged& out) {
  unanswered(verdicts);
  const Call call(timeout);
  const gander_exchange_req req{sizeof(req),
                                sizeof(gander_settle),
                                static_cast<std::uint32_t>(settles.size()),
                                sizeof(gander_take),
                                static_cast<std::uint32_t>(takes.size()),
                                0,
                                settles.data(),
                                takes.data(),
                                max_bytes};
  gander_exchange_res res{sizeof(res), 0, nullptr, 0};
  Status status;
  status.code =
      broker_->table().exchange(session_, call.abi(), &req, verdicts.data(), &res, &status.error);
  if (res.taken != nullptr) out.taken = std::make_shared<TakenBatch>(res.taken);
  out.next_due_us = res.next_due_us;
  return status;
}

Status Session::wait(std::span<const gander_str> queues, std::chrono::microseconds timeout) {
  Status status;
  if (!broker_->has_wait()) {
    status.code = GANDER_UNSUPPORTED;
    return status;
  }
  const Call call(timeout);
  status.code =
      broker_->table().wait(session_, call.abi(), queues.data(), queues.size(), &status.error);
  return status;
}

Status Session::tend(std::chrono::microseconds timeout, gander_tend_res& out) {
  const Call call(timeout);
  out = {sizeof(out), 0, 0, 0, 0, 0};
  Status status;
  status.code = broker_->table().tend(session_, call.abi(), &out, &status.error);
  return status;
}

void Session::interrupt() noexcept { broker_->table().interrupt(session_); }

BrokerHandle::BrokerHandle(std::string name, LoadedPlugin plugin,
                           const std::map<std::string, std::string>& options,
                           std::shared_ptr<const Clock> clock)
    : name_(std::move(name)),
      plugin_(std::move(plugin)),
      host_(name_, std::move(clock)),
      table_(checked_table(plugin_)) {
  std::vector<gander_kv> given;
  for (const auto& [key, value] : options) given.push_back({str(key), str(value)});
  Status status;
  status.code = table_->create(host_.abi(), given.data(), given.size(), &broker_, &status.error);
  if (!status.ok()) throw error_of(status, name_, "options");
}

BrokerHandle::~BrokerHandle() {
  if (broker_ != nullptr) table_->destroy(broker_);
}

gander_broker_info BrokerHandle::info(std::chrono::microseconds timeout) {
  const std::lock_guard lock(mutex_);
  if (info_) return *info_;
  gander_broker_info info{};
  info.struct_size = sizeof(info);
  Status status;
  const Call call(timeout);
  status.code = table_->info(broker_, call.abi(), &info, &status.error);
  if (!status.ok()) throw error_of(status, name_, "info");
  info.server[sizeof(info.server) - 1] = '\0';
  info.max_batch = std::max(1U, info.max_batch);
  info_ = info;
  return info;
}

void BrokerHandle::need(std::uint64_t capability, std::string_view what) {
  if ((info().caps & capability) == 0)
    throw Error(Code::unsupported, "broker '" + name_ + "' (" + plugin_.plugin->id +
                                       ") does not support " + std::string(what) +
                                       "; `gander plugin list` shows which ones do");
}

std::unique_ptr<Session> BrokerHandle::open(std::uint32_t role, std::string_view incarnation,
                                            std::span<const gander_str> queues,
                                            std::chrono::microseconds timeout) {
  const gander_session_opts opts{sizeof(opts), role, str(incarnation), queues.data(),
                                 queues.size()};
  gander_session* session = nullptr;
  Status status;
  const Call call(timeout);
  status.code = table_->open_session(broker_, call.abi(), &opts, &session, &status.error);
  if (!status.ok()) throw error_of(status, name_, "connect");
  return std::make_unique<Session>(shared_from_this(), session);
}

const void* BrokerHandle::extension(const char* id, std::string_view what) {
  const void* table = table_->get_extension(broker_, id);
  if (table == nullptr)
    throw Error(Code::unsupported, "broker '" + name_ + "' cannot " + std::string(what) +
                                       ": it has no extension " + id);
  return table;
}

}  // namespace gander
