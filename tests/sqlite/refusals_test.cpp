// What the broker cannot keep safe it refuses, naming the path and the remedy.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "child.h"
#include "place.h"
#include "plugin.h"

using namespace gander::test;

namespace {

class Refusals : public testing::Test {
 protected:
  Folder folder;
  FakeHost host;

  gander_error refused(const std::string& path) {
    try {
      FileBroker broker(host, path);
      broker.open(GANDER_ROLE_PRODUCE);
    } catch (const Failure& f) {
      return f.error;
    }
    ADD_FAILURE() << path << " was accepted";
    return {};
  }
  static void run_sql(const std::string& path, const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
  static bool says(const gander_error& e, const std::string& text) {
    return std::string(e.message).find(text) != std::string::npos;
  }
};

TEST_F(Refusals, AUrlThatIsNoFile) {
  for (const std::string url : {"sqlite::memory:", "sqlite:", "sqlite://host/jobs.db", "jobs.db"}) {
    try {
      FileBroker broker(host, "", {{"url", url}});
      ADD_FAILURE() << url << " was accepted";
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, GANDER_CONFIG) << url;
      EXPECT_TRUE(says(f.error, url)) << f.error.message;
      EXPECT_TRUE(says(f.error, "sqlite:///abs/jobs.db")) << f.error.message;
    }
  }
}

TEST_F(Refusals, NotThePathsThatAreRight) {
  for (const std::string& url :
       {"sqlite:" + folder.file("a.db"), "sqlite3://" + folder.file("b.db"),
        "sqlite:" + folder.path() + "/with%20space.db"})
    FileBroker(host, "", {{"url", url}}).open(GANDER_ROLE_PRODUCE);
  for (const char* name : {"a.db", "b.db", "with space.db"})
    EXPECT_TRUE(std::filesystem::exists(folder.file(name))) << name;
}

TEST_F(Refusals, AMissingFolder) {
  const gander_error e = refused(folder.file("none/jobs.db"));
  EXPECT_EQ(e.code, GANDER_NOT_FOUND);
  EXPECT_TRUE(says(e, folder.file("none"))) << e.message;
  EXPECT_TRUE(says(e, "create it")) << e.message;
}

TEST_F(Refusals, AFolder) { EXPECT_EQ(refused(folder.path()).code, GANDER_CONFIG); }

TEST_F(Refusals, AFileThatIsNoDatabase) {
  for (const std::size_t size : {std::size_t{20}, std::size_t{10'000}}) {
    const std::string path = folder.file("text" + std::to_string(size));
    std::ofstream(path) << std::string(size, 'x');
    const gander_error e = refused(path);
    EXPECT_EQ(e.code, GANDER_CONFIG) << e.message;
    EXPECT_TRUE(says(e, path)) << e.message;
    EXPECT_EQ(std::filesystem::file_size(path), size) << "it was not touched";
  }
}

TEST_F(Refusals, TheDatabaseOfAnotherApplication) {
  const std::string path = folder.file("other.db");
  run_sql(path, "CREATE TABLE t(a); PRAGMA application_id=7");
  const gander_error e = refused(path);
  EXPECT_EQ(e.code, GANDER_CONFIG) << e.message;
  EXPECT_TRUE(says(e, "another application")) << e.message;
  EXPECT_FALSE(std::filesystem::exists(path + "-wal")) << "its journal mode was left alone";
}

TEST_F(Refusals, ADatabaseOfANewerGander) {
  const std::string path = folder.file("newer.db");
  FileBroker(host, path).open(GANDER_ROLE_PRODUCE);
  run_sql(path, "PRAGMA user_version=2");
  const gander_error e = refused(path);
  EXPECT_EQ(e.code, GANDER_UNSUPPORTED) << e.message;
  EXPECT_TRUE(says(e, "schema 2")) << e.message;
  EXPECT_TRUE(says(e, "update gander")) << e.message;
}

TEST_F(Refusals, AFileOrFolderThatCannotBeWritten) {
  const std::string path = folder.file("jobs.db");
  FileBroker(host, path).open(GANDER_ROLE_PRODUCE);
  chmod(folder.path().c_str(), 0755);
  chmod(path.c_str(), 0444);
  for (const std::string& target : {path, folder.file("new.db")}) {
    if (geteuid() != 0) chmod(folder.path().c_str(), 0555);
    Child nobody({"open", target});
    const std::string said = nobody.line();
    EXPECT_EQ(said.substr(0, 9), "error " + std::to_string(GANDER_FORBIDDEN) + " ") << said;
    EXPECT_NE(said.find(target), std::string::npos) << said;
    EXPECT_NE(said.find("permission"), std::string::npos) << said;
  }
  chmod(folder.path().c_str(), 0755);
}

TEST_F(Refusals, ANetworkFileSystem) {
  using gander::sqlite::Ground;
  using gander::sqlite::ground_of;
  for (const std::uint64_t magic : {0x6969U, 0x517BU, 0xFE534D42U, 0xFF534D42U, 0x00C36400U})
    EXPECT_EQ(ground_of(magic), Ground::network) << std::hex << magic;
  EXPECT_EQ(ground_of(0xFFFFFFFFFF534D42U), Ground::network) << "sign-extended by statfs()";
  for (const std::uint64_t magic : {0x65735546U, 0x01021997U})
    EXPECT_EQ(ground_of(magic), Ground::doubtful) << std::hex << magic;
  for (const std::uint64_t magic : {0xEF53U, 0x58465342U, 0x9123683EU, 0x01021994U, 0x794C7630U})
    EXPECT_EQ(ground_of(magic), Ground::good) << std::hex << magic;
}

TEST_F(Refusals, AnUnknownOptionOrABadValue) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"no_such", "1"},
                                                                     {"synchronous", "off"},
                                                                     {"busy_timeout_ms", "0"},
                                                                     {"max_body_bytes", "many"}}) {
    try {
      FileBroker broker(host, folder.file("jobs.db"), {{key, value}});
      ADD_FAILURE() << key;
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, GANDER_CONFIG);
      EXPECT_TRUE(says(f.error, key)) << f.error.message;
    }
  }
}

TEST_F(Refusals, NothingInCreate) {
  FileBroker broker(host, folder.file("none/jobs.db"));  // GBC-104: no I/O
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(Refusals, AnEnqueueThatFindsNoSpaceAndGoesOnWhenThereIs) {
  const std::string path = folder.file("jobs.db");
  Child child({"fill", path, "3000000"});
  const std::string stopped = child.line();
  std::uint64_t stored = 0;
  int code = 0;
  ASSERT_EQ(std::sscanf(stopped.c_str(), "stopped %lu %d", &stored, &code), 2) << stopped;
  EXPECT_EQ(code, GANDER_FULL) << stopped;
  EXPECT_GT(stored, 0U);
  EXPECT_NE(stopped.find(path), std::string::npos) << stopped;
  EXPECT_EQ(child.line(), "again 0");
  EXPECT_EQ(child.wait(), 0);
  FileBroker broker(host, path);
  EXPECT_EQ(broker.open(GANDER_ROLE_CONSUME, "a").take(1000).size(), stored + 1)
      << "all that was accepted, and nothing half";
}

TEST_F(Refusals, AnEnqueueOnAFullDiskAndGoesOnWhenThereIsSpace) {
  const std::string mount_point = folder.file("small");
  ASSERT_EQ(mkdir(mount_point.c_str(), 0755), 0);
  if (mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "a small tmpfs cannot be mounted here: " << std::strerror(errno);
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{mount_point};
  const std::string path = mount_point + "/jobs.db";
  FileBroker broker(host, path);
  Session producer = broker.open(GANDER_ROLE_PRODUCE);
  Session consumer = broker.open(GANDER_ROLE_CONSUME, "a");
  std::ofstream(mount_point + "/ballast") << std::string(1'000'000, 'x');
  std::uint64_t stored = 0;
  try {
    for (;; ++stored) {
      Message m = message(stored + 1);
      m.body = std::string(10'000, 'x');
      producer.enqueue({m});
    }
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, GANDER_FULL) << f.error.message;
  }
  ASSERT_GT(stored, 0U);
  std::filesystem::remove(mount_point + "/ballast");
  ASSERT_EQ(producer.enqueue({message(stored + 1)}).at(0), GANDER_OK);
  EXPECT_EQ(consumer.take(1000).size(), stored + 1);
}

}  // namespace
