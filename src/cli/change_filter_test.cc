#include "cli/change_filter.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "app/test_folder.h"

namespace cusp::cli {
namespace {

TEST(ChangeFilter, TheSameContentsAgainAreNoChange) {
  const app::TestFolder folder;
  const std::string path = folder.write("a", "1");
  ChangeFilter filter;
  EXPECT_TRUE(filter.is_new(path));
  EXPECT_FALSE(filter.is_new(path));
  folder.write("a", "1");
  EXPECT_FALSE(filter.is_new(path));
  folder.write("a", "2");
  EXPECT_TRUE(filter.is_new(path));
}

TEST(ChangeFilter, GoneAndBackAgainAreChanges) {
  const app::TestFolder folder;
  const std::string path = folder.write("a", "1");
  ChangeFilter filter;
  EXPECT_TRUE(filter.is_new(path));
  std::filesystem::remove(path);
  EXPECT_TRUE(filter.is_new(path));
  EXPECT_FALSE(filter.is_new(path));
  folder.write("a", "1");
  EXPECT_TRUE(filter.is_new(path));
}

}  // namespace
}  // namespace cusp::cli
