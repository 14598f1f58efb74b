#include "store/stores.h"

#include <gtest/gtest.h>

#include "store/test_loop.h"

namespace cusp::store {

namespace {

namespace fs = std::filesystem;

class StoresTest : public ::testing::Test {
 protected:
  testing::Folder folder;
  const std::string directory = folder.path() + "/state/stores";
  io::BlockingPool pool{1};
};

TEST_F(StoresTest, NothingIsMadeBeforeItIsAskedFor) {
  Stores stores(directory, pool);
  EXPECT_FALSE(fs::exists(folder.path() + "/state"));
  ASSERT_TRUE(stores.key_values());
  ASSERT_TRUE(stores.sql("app", "default"));
  EXPECT_TRUE(fs::exists(directory + "/sql/app/default.db"));
  EXPECT_EQ(*stores.sql("app", "default"), *stores.sql("app", "default"));
}

TEST_F(StoresTest, AFolderIsOpenInOneProcessAtATime) {
  auto first = std::make_unique<Stores>(directory, pool);
  Stores second(directory, pool);
  ASSERT_TRUE(first->sql("app", "default"));
  const auto refused = second.sql("app", "default");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(refused.error().context, directory);
  EXPECT_FALSE(second.key_values());
  first.reset();
  EXPECT_TRUE(second.key_values());
}

TEST_F(StoresTest, NoNameLeadsOutOfTheFolder) {
  Stores stores(directory, pool);
  for (const char* name : {"..", "../../x", "/etc/x", "a/b", ".", "a\nb", "ü", "%2e%2e"}) {
    ASSERT_TRUE(stores.sql(name, name)) << name;
  }
  for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
    EXPECT_TRUE(file.path().string().starts_with(directory) ||
                directory.starts_with(file.path().string()));
  }
  EXPECT_NE(stores.sql_path("a", "%2F"), stores.sql_path("a", "/"));
}

TEST_F(StoresTest, AfterCloseNothingIsOpened) {
  Stores stores(directory, pool);
  ASSERT_TRUE(stores.key_values());
  stores.close();
  EXPECT_EQ(stores.key_values().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(stores.objects().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(stores.sql("app", "x").error().code, ErrorCode::kUnavailable);
}

}  // namespace

}  // namespace cusp::store
