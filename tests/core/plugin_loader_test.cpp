// Which files are loaded and which are refused, with the words an operator needs.
#include "plugin_loader.h"

#include <gander/broker.h>
#include <gander/config.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using gander::Code;
using gander::PluginLoader;

class Loader : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "gander-loader-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    chmod(folder_.c_str(), 0755);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A copy of a built plugin, under a name of its own.
  std::string copy(const std::string& from, const std::string& name) const {
    const std::string to = folder_ + "/" + name;
    fs::copy_file(from, to);
    chmod(to.c_str(), 0755);
    return to;
  }
  static std::string refusal(const std::string& file, Code want = Code::config) {
    try {
      PluginLoader::load(file);
    } catch (const gander::Error& e) {
      EXPECT_EQ(e.code(), want);
      return e.what();
    }
    return "it was loaded";
  }
  std::string bad(int n) const {
    return std::string(GANDER_BAD_PLUGINS) + "/bad_" + std::to_string(n) + ".so";
  }

  std::string folder_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Loader, LoadsAPluginOnceAndSaysWhatItIs) {
  const auto plugin = PluginLoader::load(GANDER_MEMORY_PLUGIN);
  ASSERT_NE(plugin.component("gander.broker/1"), nullptr);
  EXPECT_STREQ(plugin.component("gander.broker/1")->name, "memory");
  EXPECT_EQ(plugin.component("gander.metrics/1"), nullptr);
  EXPECT_EQ(PluginLoader::load(GANDER_MEMORY_PLUGIN).plugin, plugin.plugin);
}

TEST_F(Loader, RefusesAFileThatIsNotThere) {
  EXPECT_SAYS(refusal(folder_ + "/gander_x.so"), "is not there");
}

TEST_F(Loader, RefusesTextAndOtherMachines) {
  std::ofstream(folder_ + "/gander_text.so")
      << "#!/bin/sh\necho this is not a plugin, though it is long enough\n";
  EXPECT_SAYS(refusal(folder_ + "/gander_text.so"), "is not an ELF shared object");
  const std::string other = copy(GANDER_MEMORY_PLUGIN, "gander_other.so");
  std::fstream file(other, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(18);  // e_machine
  file.put(static_cast<char>(0xF3)).put(0);
  file.close();
  EXPECT_SAYS(refusal(other), "is built for another machine (ELF machine 243");
}

TEST_F(Loader, RefusesWhatOthersCanWrite) {
  const std::string file = copy(GANDER_MEMORY_PLUGIN, "gander_memory.so");
  chmod(file.c_str(), 0777);
  EXPECT_SAYS(refusal(file), "the file can be written by others; `chmod go-w");
  chmod(file.c_str(), 0755);
  chmod(folder_.c_str(), 0777);
  EXPECT_SAYS(refusal(file), "its folder can be written by others");
}

TEST_F(Loader, RefusesRelativePathsAndDotDot) {
  EXPECT_SAYS(refusal("gander_memory.so"), "absolute path");
  EXPECT_SAYS(refusal("./gander_memory.so"), "absolute path");
  EXPECT_SAYS(refusal(folder_ + "/../gander_memory.so"), "'..'");
}

TEST_F(Loader, RefusesOtherAbis) {
  EXPECT_SAYS(refusal(bad(1)), "does not support this host's plugin ABI");
  EXPECT_SAYS(refusal(bad(2)), "was built for plugin ABI 2.x");
  EXPECT_SAYS(refusal(bad(3)), "needs a host of plugin ABI 1.7");
  EXPECT_SAYS(refusal(bad(6)), "offers nothing");
}

TEST_F(Loader, RefusesALibraryThatIsNoPlugin) {
  const std::string file = copy(GANDER_NOT_A_PLUGIN, "gander_lib.so");
  EXPECT_SAYS(refusal(file), "does not export gander_plugin_v1");
}

TEST_F(Loader, ABrokerWithoutARequiredFunctionIsRefusedByName) {
  for (const auto& [n, says] :
       {std::pair{4, "lacks the required function tend"}, {5, "shorter than gander.broker/1"}}) {
    fs::create_directories(folder_ + "/p");
    chmod((folder_ + "/p").c_str(), 0755);
    const std::string name = "bad" + std::to_string(n);
    copy(bad(n), "p/gander_" + name + ".so");
    gander::Config config;
    config.plugin_path = {folder_ + "/p"};
    config.brokers.push_back({"main", name, "", {}, "gander.toml:2"});
    try {
      gander::Broker broker("main", config);
      ADD_FAILURE();
    } catch (const gander::Error& e) {
      EXPECT_SAYS(std::string(e.what()), says);
      EXPECT_SAYS(std::string(e.what()), "gander.toml:2");
    }
  }
}

TEST_F(Loader, AnUnknownSchemeListsWhatThereIsAndWhereItLooked) {
  try {
    gander::Broker broker("nosuch://host", gander::Config{});
    FAIL();
  } catch (const gander::Error& e) {
    EXPECT_EQ(e.code(), Code::not_found);
    EXPECT_SAYS(std::string(e.what()), "'nosuch:'");
    EXPECT_SAYS(std::string(e.what()), "sqlite");
    EXPECT_SAYS(std::string(e.what()), "/gander/plugins");
  }
}

TEST_F(Loader, APathFromTheEnvironmentMustBeAbsolute) {
  setenv("GANDER_PLUGIN_PATH", "plugins:/nowhere", 1);
  const PluginLoader loader({});
  unsetenv("GANDER_PLUGIN_PATH");
  ASSERT_FALSE(loader.ignored().empty());
  EXPECT_EQ(loader.ignored()[0], "GANDER_PLUGIN_PATH: 'plugins' is not an absolute path");
  EXPECT_EQ(loader.folders().front(), "/nowhere");
}

TEST_F(Loader, ANameCannotLeaveTheFolder) {
  const PluginLoader loader({folder_});
  EXPECT_THROW(static_cast<void>(loader.find("gander.broker/1", "../../tmp/x")), gander::Error);
}

TEST_F(Loader, AnUnknownOptionInAUrlNamesTheNearest) {
  try {
    gander::Broker broker("sqlite:x.db?synchronus=full", gander::Config{});
    FAIL();
  } catch (const gander::Error& e) {
    EXPECT_EQ(e.code(), Code::config);
    EXPECT_SAYS(std::string(e.what()), "synchronous");
  }
}

}  // namespace
