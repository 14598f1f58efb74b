#include "node/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"

namespace cusp::node {
namespace {

namespace fs = std::filesystem;

class SecretFileTest : public ::testing::Test {
 protected:
  SecretFileTest() { fs::create_directories(folder_); }
  ~SecretFileTest() override { fs::remove_all(folder_); }
  std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }

 private:
  const std::string folder_ =
      (fs::temp_directory_path() / fmt::format("cusp-secret-test-{}", ::getpid())).string();
};

TEST_F(SecretFileTest, OfManyThatMakeItAtOnceAllGetTheSame) {
  for (int round = 0; round < 20; ++round) {
    const std::string file = path(fmt::format("token-{}", round));
    std::vector<std::string> tokens(8);
    std::vector<std::thread> threads;
    for (std::string& token : tokens) {
      threads.emplace_back([&] { token = load_token(file).value_or("none"); });
    }
    for (auto& thread : threads) thread.join();
    const std::set<std::string> distinct(tokens.begin(), tokens.end());
    ASSERT_EQ(distinct.size(), 1u);
    EXPECT_EQ(*distinct.begin(), read_file(file));
    EXPECT_EQ(distinct.begin()->size(), 64u);
  }
}

TEST_F(SecretFileTest, ASecretStaysAndIsItsUsersAlone) {
  const auto secret = load_secret(path("secret"), 32);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 32u);
  EXPECT_EQ(load_secret(path("secret"), 32), *secret);
  struct stat info{};
  ASSERT_EQ(::stat(path("secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SecretFileTest, AFileThatWasCutOffIsMadeAnew) {
  ASSERT_TRUE(write_file(path("secret"), "short"));
  const auto secret = load_secret(path("secret"), 32);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 32u);
  EXPECT_EQ(read_file(path("secret")), *secret);
}

TEST_F(SecretFileTest, WithoutAFolderThereIsNoSecret) {
  EXPECT_FALSE(load_secret(path("missing/secret"), 32));
  EXPECT_FALSE(load_token(path("missing/token")));
}

}  // namespace
}  // namespace cusp::node
