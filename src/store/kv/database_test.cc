#include "store/kv/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <latch>

#include "base/file.h"
#include "store/kv/test_database.h"

namespace cusp::store::kv {

namespace {

namespace fs = std::filesystem;

using KvDatabase = KvTest;

// A disk that fails when told to.
struct Faults {
  std::atomic<bool> sync = false;
  std::atomic<bool> full = false;
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, const Faults& faults)
      : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}
  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (faults_.full) {
      auto status = rocksdb::IOStatus::NoSpace("a test");
      status.SetRetryable(true);  // as that of a real disk
      return status;
    }
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    if (faults_.sync) return rocksdb::IOStatus::IOError("a test");
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }

 private:
  const Faults& faults_;
};

class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFiles(const Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}
  const char* Name() const override { return "faulty"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    const auto status = FileSystemWrapper::NewWritableFile(name, options, file, debug);
    if (status.ok()) *file = std::make_unique<FaultyFile>(std::move(*file), faults_);
    return status;
  }

 private:
  const Faults& faults_;
};

TEST_F(KvDatabase, ASecondOpeningOfAFolderIsRefused) {
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(second.error().context, folder.path() + "/kv");
}

TEST_F(KvDatabase, AFolderThatCannotBeMadeIsAnError) {
  ASSERT_TRUE(write_file(folder.path() + "/file", "x"));
  const auto opened = Database::open({.directory = folder.path() + "/file/kv"}, pool);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().context, folder.path() + "/file/kv");
}

TEST_F(KvDatabase, AClosedOneTakesNoWrites) {
  ASSERT_TRUE(set("a", "1"));
  database->close();
  EXPECT_EQ(set("a", "2").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(get("a"), "1");
}

TEST_F(KvDatabase, WritesThatHaveBegunAreEndedByClose) {
  std::vector<std::optional<Result<Written>>> results(20);
  for (auto& result : results) {
    Write changes{Change::increment("n", 1)};
    loop.start(store->write(std::move(changes)), result);
  }
  std::latch closed(1);
  pool.post([&] {
    database->close();
    closed.count_down();
  });
  loop.finish();
  closed.wait();
  const auto done = std::count_if(results.begin(), results.end(),
                                  [](const auto& result) { return result->has_value(); });
  open();
  EXPECT_EQ(change(Change::increment("n", 0))->sums.front(), done);
}

TEST_F(KvDatabase, AFailingFsyncIsTheWritersErrorAndLosesNothing) {
  Faults faults;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyFiles>(faults));
  open(env.get());
  ASSERT_TRUE(set("a", "1"));
  faults.sync = true;
  EXPECT_EQ(set("b", "2").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(set("b", "3").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(get("a"), "1");
  faults.sync = false;
  EXPECT_EQ(set("b", "4").error().code, ErrorCode::kUnavailable)
      << "a disk that has failed is not believed again";
  EXPECT_EQ(get("a"), "1");
  open();
  EXPECT_EQ(get("a"), "1");
  EXPECT_NE(get("b"), "4");
  EXPECT_TRUE(set("b", "5"));
}

TEST_F(KvDatabase, AFullDiskIsTheWritersErrorAndItGoesOnWhenThereIsRoom) {
  Faults faults;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyFiles>(faults));
  open(env.get());
  ASSERT_TRUE(set("a", "1"));
  faults.full = true;
  EXPECT_EQ(set("b", "2").error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(get("a"), "1");
  faults.full = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto after = set("c", "3");
  while (!after && std::chrono::steady_clock::now() < deadline) after = set("c", "3");
  EXPECT_TRUE(after) << after.error().to_string();
  open();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("c"), "3");
}

// Every place of every file once: an entry is what was written, or an error; never something else.
TEST_F(KvDatabase, AFlippedBitIsDetectedOrHarmless) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(set(std::to_string(i), std::string(50, 'a' + i % 26)));
  store.reset();
  database.reset();  // leaves no log: see KvLog for that
  size_t refused = 0;
  size_t flips = 0;
  for (const auto& file : fs::directory_iterator(folder.path() + "/kv")) {
    const std::string path = file.path();
    const std::string whole = *read_file(path);
    if (file.path().filename() == "LOG" || whole.empty()) continue;
    for (size_t at = 0; at < whole.size(); at += std::max<size_t>(1, whole.size() / 12)) {
      const testing::Folder copy;
      fs::copy(folder.path() + "/kv", copy.path() + "/kv");
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      std::ofstream(copy.path() + "/kv/" + file.path().filename().string()) << damaged;
      ++flips;
      auto opened = Database::open({.directory = copy.path() + "/kv"}, pool);
      if (!opened) {
        ++refused;
        continue;
      }
      const auto copied = *(*opened)->store({"app", "default"});
      for (int i = 0; i < 40; ++i) {
        const auto entry = loop.run(copied->get(std::to_string(i)));
        if (!entry) continue;
        ASSERT_TRUE(*entry) << path << " at " << at << " has lost " << i;
        EXPECT_EQ((*entry)->value, std::string(50, 'a' + i % 26)) << path << " at " << at;
      }
    }
  }
  EXPECT_GT(flips, 20);
  EXPECT_GT(refused, 0);
}

}  // namespace

}  // namespace cusp::store::kv
