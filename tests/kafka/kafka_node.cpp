#include "kafka_node.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "../support/port.h"
#include "../support/server.h"

namespace gander::test {
namespace {

constexpr std::chrono::seconds kStartLimit{60};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool is_open(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool open = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return open;
}

KafkaNode::Doors doors_for(const std::string& user) {
  if (user.empty()) return {};
  const std::string name = user.substr(0, user.find(':')), word = user.substr(user.find(':') + 1);
  return {{"SASL_PLAINTEXT"},
          "sasl.enabled.mechanisms=PLAIN\nsasl.mechanism.inter.broker.protocol=PLAIN\n"
          "listener.name.sasl_plaintext.plain.sasl.jaas.config="
          "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"" +
              name + "\" password=\"" + word + "\" user_" + name + "=\"" + word + "\";\n",
          {},
          true};
}

}  // namespace

KafkaNode::KafkaNode(const std::string& user) : KafkaNode(doors_for(user)) {}

KafkaNode::KafkaNode(const Doors& doors) : run_(server_variable("kafka", "RUN")) {
  if (run_.empty()) return;
  controller_ = free_port();
  make(doors);
}

KafkaNode::KafkaNode(const KafkaNode* first)
    : run_(first->run_), controller_(first->controller_), number_(2) {
  make({});
}

KafkaNode::~KafkaNode() {
  kill();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

void KafkaNode::make(const Doors& doors) {
  std::string pattern = (std::filesystem::temp_directory_path() / "gander-kafka-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  folder_ = pattern;
  protocols_ = doors.protocols;
  const std::string controller = "127.0.0.1:" + std::to_string(controller_);
  std::string listeners, map;
  for (const std::string& protocol : protocols_) {
    ports_.push_back(free_port());
    listeners +=
        (listeners.empty() ? "" : ",") + protocol + "://127.0.0.1:" + std::to_string(ports_.back());
    map += protocol + ":" + protocol + ",";
  }
  std::string advertised = listeners;
  if (doors.way) {
    way_ = {free_port(), free_port()};
    listeners += ",WAY://127.0.0.1:" + std::to_string(way_.listener);
    advertised += ",WAY://127.0.0.1:" + std::to_string(way_.proxy);
    map += "WAY:PLAINTEXT,";
  }
  const bool first = number_ == 1;
  std::ofstream(folder_ + "/properties")
      << "process.roles=broker" << (first ? ",controller" : "") << "\nnode.id=" << number_
      << "\ncontroller.quorum.voters=1@" << controller << "\nlisteners=" << listeners
      << (first ? ",CONTROLLER://" + controller : "") << "\nadvertised.listeners=" << advertised
      << "\nlistener.security.protocol.map=" << map
      << "CONTROLLER:PLAINTEXT\ninter.broker.listener.name=" << protocols_.front()
      << "\ncontroller.listener.names=CONTROLLER\nlog.dirs=" << folder_
      << "/logs\nauto.create.topics.enable=false\noffsets.topic.replication.factor=1\n"
         "offsets.topic.num.partitions=1\ntransaction.state.log.replication.factor=1\n"
         "transaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=1\n"
         "group.initial.rebalance.delay.ms=0\ngroup.min.session.timeout.ms=1000\n"
         "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500\n"
      << doors.properties;
  run("kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c " + folder_ + "/properties " +
      doors.format);
  if (doors.start) start();
}

void KafkaNode::run(const std::string& arguments) const {
  int status = 0;
  waitpid(spawn(arguments), &status, 0);
  if (status != 0) throw std::runtime_error(arguments + " failed, see " + folder_ + "/log");
}

pid_t KafkaNode::spawn(const std::string& arguments) const {
  // A node lives for seconds: it is the quicker for code that is compiled once.
  const std::string options = "-Xms128m -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC ";
  const std::string line =
      "exec '" + run_ + "' " + options + arguments + " >>'" + folder_ + "/log' 2>&1 </dev/null";
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

void KafkaNode::start() {
  pid_ = spawn("kafka.Kafka '" + folder_ + "/properties'");
  const auto until = std::chrono::steady_clock::now() + kStartLimit;
  while (!std::ranges::all_of(ports_, is_open)) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > until)
      throw std::runtime_error("Kafka did not start, see " + folder_ + "/log");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void KafkaNode::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void KafkaNode::freeze() const { ::kill(pid_, SIGSTOP); }

std::string KafkaNode::url(const std::string& user) const {
  return "kafka://" + (user.empty() ? "" : user + "@") +
         "127.0.0.1:" + std::to_string(ports_.front());
}

std::uint16_t KafkaNode::port(const std::string& protocol) const {
  return ports_.at(
      static_cast<std::size_t>(std::ranges::find(protocols_, protocol) - protocols_.begin()));
}

}  // namespace gander::test
