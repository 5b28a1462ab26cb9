// What tests over the C ABI expect of a broker: that a call fails, that a state comes about.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "broker_driver.h"
#include "eventually.h"

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

// Takes until so many have come, or none for long (eventually.h).
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
