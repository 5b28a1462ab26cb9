// What tests over the C ABI expect of a broker: that a call fails, that a state comes about.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "broker_driver.h"

namespace gander::test {

// What a call that must fail said.
inline gander_error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& e) {
    return e.error;
  }
  ADD_FAILURE() << "it did not fail";
  return blank_error();
}

// Until it holds, for at most 20 s.
inline bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Takes until so many have come, for at most 20 s.
inline std::vector<gander_message> take_until(Session& consumer, std::size_t n,
                                              std::vector<Taken>& keep,
                                              const std::string& queue = "default") {
  std::vector<gander_message> all;
  eventually([&] {
    keep.push_back(consumer.take(static_cast<std::uint32_t>(n - all.size()), queue));
    for (std::size_t i = 0; i < keep.back().size(); ++i) all.push_back(keep.back()[i]);
    return all.size() >= n;
  });
  return all;
}

}  // namespace gander::test
