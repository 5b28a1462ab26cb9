// Scripts that run inside the server. Each stands in the file that calls it, beside its inputs and
// outputs; what several share is in scripts.cpp.
#pragma once

#include <string>
#include <string_view>

#include "command.h"

namespace gander::redis {

// A script as text. Static data: its address is its identity.
struct Script {
  // writes: refused, before it begins, when memory is short. always: not, as it makes room or must
  // not stop. reads: also on a replica.
  enum class Kind { writes, always, reads };
  Kind kind;
  const char* body;

  [[nodiscard]] std::string source() const;
};

// One call of a script: first its keys, all of them, then its arguments.
class ScriptCall {
 public:
  explicit ScriptCall(const Script& script) : script_(script) {
    command_.add("EVALSHA").add("").add("");
  }
  ScriptCall& key(std::string_view key) {
    ++keys_;
    command_.add(key);
    return *this;
  }
  ScriptCall& keep_key(std::string&& key) {
    ++keys_;
    command_.keep(std::move(key));
    return *this;
  }
  ScriptCall& arg(std::string_view word) {
    command_.add(word);
    return *this;
  }
  ScriptCall& arg(std::int64_t number) {
    command_.add(number);
    return *this;
  }
  ScriptCall& keep_arg(std::string&& word) {
    command_.keep(std::move(word));
    return *this;
  }

  [[nodiscard]] const Script& script() const { return script_; }
  // The command, once the server has said under which name it keeps the script.
  const Command& command(std::string_view sha);

 private:
  const Script& script_;
  std::int64_t keys_ = 0;
  Command command_;
};

}  // namespace gander::redis
