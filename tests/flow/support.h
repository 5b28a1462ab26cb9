// A folder and a SQLite broker of its own for one test.
#pragma once

#include <gander/admin.h>
#include <gander/config.h>
#include <gander/gander.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "../support/eventually.h"

class Flow : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "gander-flow-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string url() const { return "sqlite:" + folder_ + "/jobs.db"; }
  [[nodiscard]] gander::Broker broker() const { return gander::Broker(url(), gander::Config{}); }
  [[nodiscard]] std::int64_t count(gander::State state) const {
    std::int64_t n = 0;
    for (const auto& q : gander::Admin(broker()).queues()) {
      const std::int64_t counts[] = {0, q.ready, q.scheduled, q.leased, q.retry, q.dead};
      n += counts[static_cast<int>(state)];
    }
    return n;
  }

  std::string folder_;
};
