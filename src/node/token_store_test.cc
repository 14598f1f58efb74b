#include "node/token_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "base/file.h"

namespace cusp::node {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

class TokenStoreTest : public ::testing::Test {
 protected:
  TokenStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cusp-tokens-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ::unsetenv("CUSP_SECRETS_KEY");
    ::unsetenv("CUSP_SECRETS_KEY_FILE");
    tokens_ = open();
  }
  ~TokenStoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<TokenStore> open() {
    auto tokens = TokenStore::open(folder_);
    EXPECT_TRUE(tokens) << tokens.error().to_string();
    return std::move(*tokens);
  }
  Token create(TokenGrant grant) {
    auto token = tokens_->create(std::move(grant));
    EXPECT_TRUE(token) << token.error().to_string();
    return token.value();
  }

  std::string folder_;
  std::unique_ptr<TokenStore> tokens_;
};

TEST_F(TokenStoreTest, ATokenIsItsHoldersAlone) {
  const Token one = create({.app = "shop"});
  const Token other = create({.app = "shop"});
  EXPECT_TRUE(std::regex_match(one.id, std::regex("CUSP[A-Z2-7]{16}"))) << one.id;
  EXPECT_EQ(one.secret.size(), 43u);
  const auto found = tokens_->authenticate("Bearer " + one.bearer());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, one.id);
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer _"),
        "Bearer " + one.id, "Bearer " + one.id + "_", "Bearer " + one.id + "_" + other.secret,
        "Bearer " + one.bearer() + "x", "Bearer " + one.bearer().substr(0, 40),
        "Basic " + one.bearer(), one.bearer(), "Bearer _" + one.secret,
        "Bearer " + std::string(100'000, 'x') + "_y"}) {
    EXPECT_FALSE(tokens_->authenticate(wrong)) << wrong.substr(0, 80);
  }
}

TEST_F(TokenStoreTest, AGrantIsForWhatItNames) {
  const TokenGrant all{.app = "shop"};
  EXPECT_TRUE(all.allows("shop", StoreKind::kSql, "main", Access::kRead));
  EXPECT_FALSE(all.allows("shop", StoreKind::kSql, "main", Access::kWrite));
  EXPECT_FALSE(all.allows("blog", StoreKind::kSql, "main", Access::kRead));
  EXPECT_FALSE(all.allows("", StoreKind::kSql, "main", Access::kRead));
  const TokenGrant some{.app = "shop",
                        .scopes = {{StoreKind::kSql, "main"}, {StoreKind::kObject, "*"}},
                        .access = Access::kWrite};
  EXPECT_TRUE(some.allows("shop", StoreKind::kSql, "main", Access::kRead));
  EXPECT_TRUE(some.allows("shop", StoreKind::kSql, "main", Access::kWrite));
  EXPECT_TRUE(some.allows("shop", StoreKind::kObject, "any", Access::kWrite));
  EXPECT_FALSE(some.allows("shop", StoreKind::kSql, "other", Access::kRead));
  EXPECT_FALSE(some.allows("shop", StoreKind::kKeyValue, "main", Access::kRead));
}

TEST_F(TokenStoreTest, OthersSeeWhatWasMadeAndRevoked) {
  const Token token =
      create({.app = "shop", .scopes = {{StoreKind::kQueue, "q"}}, .access = Access::kWrite});
  const auto other = open();
  const auto found = other->find(token.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret, token.secret);
  EXPECT_EQ(found->grant.scopes, token.grant.scopes);
  EXPECT_EQ(found->grant.access, Access::kWrite);
  ASSERT_TRUE(tokens_->revoke(token.id));
  EXPECT_EQ(tokens_->revoke(token.id).error().code, ErrorCode::kNotFound);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (other->find(token.id) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_FALSE(other->find(token.id));
}

TEST_F(TokenStoreTest, AnExpiredTokenIsNone) {
  const auto now = std::chrono::floor<std::chrono::seconds>(system_clock::now());
  const Token old = create({.app = "shop", .expires = now - 1s});
  const Token good = create({.app = "shop", .expires = now + 1h});
  EXPECT_FALSE(tokens_->authenticate("Bearer " + old.bearer()));
  EXPECT_TRUE(tokens_->authenticate("Bearer " + good.bearer()));
  const auto list = tokens_->list();
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 2u);
}

TEST_F(TokenStoreTest, TheFileShowsNoSecretAndBelongsToItsKey) {
  const Token token = create({.app = "shop"});
  const std::string path = folder_ + "/tokens/tokens.json";
  const auto text = read_file(path);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find(token.secret), std::string::npos);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  ::setenv("CUSP_SECRETS_KEY", "another key that nobody knows", 1);
  const auto other = open();
  ::unsetenv("CUSP_SECRETS_KEY");
  EXPECT_EQ(other->list().error().code, ErrorCode::kDataLoss);
  EXPECT_FALSE(other->find(token.id));
}

TEST_F(TokenStoreTest, AFlippedBitIsDetectedOrHarmless) {
  for (int i = 0; i < 2; ++i) create({.app = "shop", .access = Access::kWrite});
  const auto expected = *tokens_->list();
  size_t detected = 0;
  for (const char* name : {"/tokens/tokens.json", "/secrets.key"}) {
    const std::string sound = *read_file(folder_ + name);
    for (size_t bit = 0; bit < 8 * sound.size(); ++bit) {
      std::string damaged = sound;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      std::ofstream(folder_ + name) << damaged;
      const auto tokens = TokenStore::open(folder_);
      const auto listed = tokens ? (*tokens)->list() : std::unexpected(tokens.error());
      detected += listed ? 0 : 1;
      if (!listed) continue;
      ASSERT_EQ(listed->size(), expected.size()) << name << ' ' << bit;
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ((*listed)[i].bearer(), expected[i].bearer()) << name << ' ' << bit;
        EXPECT_EQ((*listed)[i].grant.access, Access::kWrite) << name << ' ' << bit;
      }
    }
    std::ofstream(folder_ + name) << sound;
  }
  EXPECT_GT(detected, 1000U);
}

TEST_F(TokenStoreTest, NamesThatCannotBeAreRefused) {
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string(1000, 'a')}) {
    EXPECT_EQ(tokens_->create({.app = name}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(tokens_->create({.app = "a", .scopes = {{StoreKind::kSql, name}}}).error().code,
              ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cusp::node
