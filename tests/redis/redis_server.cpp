#include "redis_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

namespace gander::test {
namespace {

std::string text_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER: return std::to_string(reply.integer);
    case REDIS_REPLY_NIL: return "(nil)";
    case REDIS_REPLY_ERROR: return "-" + std::string(reply.str, reply.len);
    case REDIS_REPLY_ARRAY: {
      std::string all;
      for (std::size_t i = 0; i < reply.elements; ++i) all += text_of(*reply.element[i]) + "\n";
      return all;
    }
    default: return {reply.str, reply.len};
  }
}

}  // namespace

std::string redis_binary() {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/"}) {
    for (const char* name : {"redis-server", "valkey-server"}) {
      std::string path = std::string(folder) + name;
      if (access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return {};
}

RedisServer::RedisServer(std::vector<std::string> options)
    : options_(std::move(options)), port_(free_port()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "gander-redis-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  folder_ = pattern;
  start();
}

RedisServer::~RedisServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start() {
  std::vector<std::string> words{redis_binary(), "--port",    std::to_string(port_),
                                 "--bind",       "127.0.0.1", "--dir",
                                 folder_,        "--save",    "",
                                 "--appendonly", "yes",       "--daemonize",
                                 "no",           "--logfile", folder_ + "/log"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], argv.data());
    _exit(127);
  }
  for (int i = 0; i < 2000; ++i) {
    const std::unique_ptr<redisContext, decltype(&redisFree)> c(redisConnect("127.0.0.1", port_),
                                                                redisFree);
    if (c != nullptr && c->err == 0) {
      const std::string answer = Cli(port_)("PING");
      // With a password it answers that it wants one.
      if (answer == "PONG" || answer.starts_with("-NOAUTH")) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("redis-server did not start, see " + folder_ + "/log");
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::stop_cpu() { ::kill(pid_, SIGSTOP); }
void RedisServer::resume() { ::kill(pid_, SIGCONT); }

Cli::Cli(std::uint16_t port) : context_(redisConnect("127.0.0.1", port)) {
  if (!context_ || context_->err != 0) throw std::runtime_error("no connection to redis");
}

std::string Cli::operator()(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return (*this)(words);
}

std::string Cli::operator()(const std::vector<std::string>& words) {
  std::vector<const char*> parts;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    parts.push_back(word.data());
    lengths.push_back(word.size());
  }
  const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
      static_cast<redisReply*>(redisCommandArgv(context_.get(), static_cast<int>(parts.size()),
                                                parts.data(), lengths.data())),
      freeReplyObject);
  return reply ? text_of(*reply) : "-connection: " + std::string(context_->errstr);
}

Broker broker_on(FakeHost& host, const std::string& url,
                 std::map<std::string, std::string> options) {
  options.emplace("url", url);
  options.emplace("prefix", "test");
  return {host, options};
}

}  // namespace gander::test
