#include "cli/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "app/test_folder.h"

namespace cusp::cli {
namespace {

using app::TestFolder;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

class WatcherTest : public testing::Test {
 protected:
  void watch(std::string_view path, bool recursive) {
    auto watcher = Watcher::create();
    ASSERT_TRUE(watcher);
    watcher_ = std::move(*watcher);
    ASSERT_TRUE(watcher_->add(folder_.path(path), recursive));
  }
  // inotify tells before the call that made the change returns.
  std::set<std::string> changes() { return watcher_->take().paths; }

  TestFolder folder_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, AFileThatIsWrittenOrReplacedIsAChange) {
  folder_.write("a.txt");
  watch("a.txt", false);
  EXPECT_THAT(changes(), IsEmpty());
  folder_.write("a.txt", "new");
  EXPECT_THAT(changes(), Contains(folder_.path("a.txt")));
  folder_.write("b.txt", "newer");
  std::filesystem::rename(folder_.path("b.txt"), folder_.path("a.txt"));
  EXPECT_THAT(changes(), Contains(folder_.path("a.txt")));
  std::filesystem::remove(folder_.path("a.txt"));
  EXPECT_THAT(changes(), Contains(folder_.path("a.txt")));
}

TEST_F(WatcherTest, FoldersMadeLaterAreWatchedToo) {
  folder_.write("src/a.rs");
  watch("src", true);
  folder_.write("src/deep/er/b.rs", "1");
  EXPECT_THAT(changes(), Contains(folder_.path("src/deep/er/b.rs")));
  folder_.write("src/deep/er/b.rs", "2");
  EXPECT_THAT(changes(), Contains(folder_.path("src/deep/er/b.rs")));
}

TEST_F(WatcherTest, FoldersThatToolsFillAreNotWatched) {
  folder_.write("src/node_modules/x/index.js");
  watch("src", true);
  folder_.write("src/node_modules/x/index.js", "2");
  folder_.write("src/target/debug/x", "2");
  EXPECT_THAT(changes(), Not(Contains(folder_.path("src/node_modules/x/index.js"))));
  EXPECT_THAT(changes(), Not(Contains(folder_.path("src/target/debug/x"))));
}

TEST_F(WatcherTest, AFolderThatIsNotThereYetIsSeenWhenItIsMade) {
  watch("later/src", true);
  std::filesystem::create_directory(folder_.path("later"));
  EXPECT_THAT(changes(), Contains(folder_.path("later")));
}

TEST_F(WatcherTest, WithoutRecursionWhatIsDeeperIsNotSeen) {
  folder_.write("src/deep/a.rs");
  watch("src", false);
  folder_.write("src/deep/a.rs", "2");
  EXPECT_THAT(changes(), IsEmpty());
}

}  // namespace
}  // namespace cusp::cli
