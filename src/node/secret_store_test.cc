#include "node/secret_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "base/file.h"

namespace cusp::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SecretStoreTest : public ::testing::Test {
 protected:
  SecretStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cusp-secrets-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ::unsetenv("CUSP_SECRETS_KEY");
    ::unsetenv("CUSP_SECRETS_KEY_FILE");
  }
  ~SecretStoreTest() override {
    ::unsetenv("CUSP_SECRETS_KEY");
    ::unsetenv("CUSP_SECRETS_KEY_FILE");
    std::filesystem::remove_all(folder_);
  }

  SecretStore open() {
    auto store = SecretStore::open(folder_);
    EXPECT_TRUE(store) << store.error().to_string();
    return std::move(*store);
  }
  // The value as an application gets it, or what is wrong.
  std::string value(const std::string& app, const std::string& name) {
    const SecretStore store = open();
    const auto provider = store.provider(app);
    if (!provider) return "error: " + provider.error().message;
    return (*provider)->get(name).value().value_or("none");
  }
  std::string file(const std::string& app) { return folder_ + "/secrets/" + app + ".json"; }

  std::string folder_;
};

TEST_F(SecretStoreTest, KeepsValuesForEachApplicationApart) {
  SecretStore store = open();
  ASSERT_TRUE(store.set("shop", "api_key", "of the shop"));
  ASSERT_TRUE(store.set("shop", "empty_not", "x"));
  ASSERT_TRUE(store.set("blog", "api_key", "of the blog"));
  EXPECT_EQ(value("shop", "api_key"), "of the shop");
  EXPECT_EQ(value("blog", "api_key"), "of the blog");
  EXPECT_EQ(value("wiki", "api_key"), "none");
  EXPECT_THAT(*store.names("shop"), ElementsAre("api_key", "empty_not"));
  EXPECT_THAT(*store.names("wiki"), IsEmpty());
}

TEST_F(SecretStoreTest, TakesAnyBytesAndReplacesAndDeletes) {
  SecretStore store = open();
  const std::string bytes("\0\n\xff{{ x }}", 10);
  ASSERT_TRUE(store.set("shop", "key", "before"));
  ASSERT_TRUE(store.set("shop", "key", bytes));
  EXPECT_EQ(value("shop", "key"), bytes);
  ASSERT_TRUE(store.remove("shop", "key"));
  EXPECT_EQ(value("shop", "key"), "none");
  EXPECT_EQ(store.remove("shop", "key").error().code, ErrorCode::kNotFound);
}

TEST_F(SecretStoreTest, LeavesNoValueOnDiskAndNothingForOthersToRead) {
  ASSERT_TRUE(open().set("shop", "api_key", "very-secret-value"));
  EXPECT_THAT(*read_file(file("shop")), Not(HasSubstr("very-secret-value")));
  struct stat status;
  ASSERT_EQ(::stat(file("shop").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
  ASSERT_EQ(::stat((folder_ + "/secrets.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0U);
}

TEST_F(SecretStoreTest, AValueThatWasMovedToAnotherNameOrAppDoesNotOpen) {
  ASSERT_TRUE(open().set("shop", "a", "text"));
  const std::string sealed = *read_file(file("shop"));
  std::string renamed = sealed;
  renamed.replace(renamed.find("\"a\""), 3, "\"b\"");
  ASSERT_TRUE(write_file(file("shop"), renamed));
  EXPECT_THAT(value("shop", "b"), HasSubstr("another key, or was changed"));
  ASSERT_TRUE(write_file(file("blog"), sealed));
  EXPECT_THAT(value("blog", "a"), HasSubstr("another key, or was changed"));
}

TEST_F(SecretStoreTest, ADamagedFileIsToldAndNeverOverwritten) {
  SecretStore store = open();
  ASSERT_TRUE(store.set("shop", "a", "text"));
  for (const char* text : {"", "{", "[]", "{\"version\": 2, \"secrets\": {}}", "{\"version\": 1}",
                           "{\"version\": 1, \"secrets\": {\"a\": 7}}"}) {
    ASSERT_TRUE(write_file(file("shop"), text));
    EXPECT_EQ(store.provider("shop").error().code, ErrorCode::kDataLoss) << text;
    EXPECT_EQ(store.set("shop", "b", "new").error().code, ErrorCode::kDataLoss) << text;
    EXPECT_EQ(*read_file(file("shop")), text);
  }
}

TEST_F(SecretStoreTest, AFlippedBitIsDetectedOrHarmless) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(open().set("shop", name, std::string("of ") + name));
  }
  size_t detected = 0;
  for (const std::string& path : {file("shop"), folder_ + "/secrets.key"}) {
    const std::string sound = *read_file(path);
    for (size_t bit = 0; bit < 8 * sound.size(); ++bit) {
      std::string damaged = sound;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      std::ofstream(path) << damaged;
      const auto store = SecretStore::open(folder_);
      const auto provider = store ? store->provider("shop") : std::unexpected(store.error());
      detected += provider ? 0 : 1;
      for (const char* name : {"a", "b", "c"}) {
        if (!provider) break;
        EXPECT_EQ((*provider)->get(name).value().value_or("none"), std::string("of ") + name)
            << path << ' ' << bit;
      }
    }
    std::ofstream(path) << sound;
  }
  EXPECT_GT(detected, 1000U);
}

TEST_F(SecretStoreTest, RefusesNamesThatAreNone) {
  SecretStore store = open();
  for (const char* name : {"", "API", "a b", "a/b", "1a", "a__b"}) {
    EXPECT_EQ(store.set("shop", name, "x").error().code, ErrorCode::kInvalidArgument) << name;
  }
  for (const char* app : {"", ".", "..", "../shop", "a/b", "a\nb"}) {
    EXPECT_EQ(store.set(app, "key", "x").error().code, ErrorCode::kInvalidArgument) << app;
    EXPECT_THAT(*store.names(app), IsEmpty()) << app;
    EXPECT_TRUE(store.provider(app)) << app;
  }
  const std::string large(kSecretBytesMax + 1, 'x');
  EXPECT_EQ(store.set("shop", "key", large).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(SecretStoreTest, TheKeyMayComeFromTheEnvironmentOrAFile) {
  ::setenv("CUSP_SECRETS_KEY", "0123456789abcdef", 1);
  ASSERT_TRUE(open().set("shop", "a", "text"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/secrets.key"));
  ::unsetenv("CUSP_SECRETS_KEY");
  EXPECT_THAT(value("shop", "a"), HasSubstr("another key"));
  ASSERT_TRUE(write_file(folder_ + "/mine", "0123456789abcdef\n"));
  ::setenv("CUSP_SECRETS_KEY_FILE", (folder_ + "/mine").c_str(), 1);
  EXPECT_EQ(value("shop", "a"), "text");
  ::setenv("CUSP_SECRETS_KEY", "too short", 1);
  const auto refused = SecretStore::open(folder_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("has 9 bytes; it needs 16"));
  EXPECT_THAT(refused.error().to_string(), Not(HasSubstr("too short")));
}

TEST_F(SecretStoreTest, ChangesOfManyAtOnceAreAllKept) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      SecretStore store = open();
      for (int n = 0; n < 10; ++n) {
        EXPECT_TRUE(store.set("shop", fmt::format("key_{}{}", static_cast<char>('a' + i), n), "x"));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(open().names("shop")->size(), 40U);
}

}  // namespace
}  // namespace cusp::node
