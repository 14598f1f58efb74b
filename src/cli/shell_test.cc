#include "cli/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "app/test_folder.h"
#include "base/file.h"

namespace cusp::cli {
namespace {

using app::TestFolder;
using testing::HasSubstr;
using testing::Not;

constexpr int kNoCancel = -1;

TEST(RunShell, RunsInTheFolder) {
  const TestFolder folder;
  ASSERT_TRUE(run_shell("pwd > where", folder.path(), Output::kInherit, kNoCancel));
  EXPECT_EQ(*read_file(folder.path("where")), folder.path() + "\n");
}

TEST(RunShell, AFailureCarriesTheEndOfTheOutputWithoutColours) {
  const TestFolder folder;
  const auto result =
      run_shell("seq 100000; printf '\\033[31merror: it is red\\033[0m\\n' >&2; exit 3",
                folder.path(), Output::kKeep, kNoCancel);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.error().message, HasSubstr("ended with 3"));
  EXPECT_THAT(result.error().message, HasSubstr("error: it is red"));
  EXPECT_THAT(result.error().message, Not(HasSubstr("\033")));
  EXPECT_LT(result.error().message.size(), 20'000u);
}

TEST(RunShell, ASignalIsNamed) {
  const TestFolder folder;
  const auto result = run_shell("kill -9 $$", folder.path(), Output::kKeep, kNoCancel);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("signal 9"));
}

TEST(RunShell, AnAbsentFolderIsAnError) {
  const auto result = run_shell("true", "/nonexistent", Output::kKeep, kNoCancel);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

TEST(RunShell, CancellingEndsTheChildAndItsChildren) {
  const TestFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  const auto started = std::chrono::steady_clock::now();
  const auto result = run_shell("sleep 60 & sleep 60", folder.path(), Output::kKeep, ends[0]);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(RunShell, ADaemonThatHoldsTheOutputOpenIsNotWaitedFor) {
  const TestFolder folder;
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(run_shell("sleep 20 & echo $! > pid", folder.path(), Output::kKeep, kNoCancel));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  ::kill(std::stoi(*read_file(folder.path("pid"))), SIGKILL);
}

TEST(WithoutColours, KeepsEverythingElse) {
  EXPECT_EQ(without_colours("\033[1;31mred\033[0m [x]\n"), "red [x]\n");
  EXPECT_EQ(without_colours("cut \033["), "cut ");
  EXPECT_EQ(without_colours("\033"), "");
}

}  // namespace
}  // namespace cusp::cli
