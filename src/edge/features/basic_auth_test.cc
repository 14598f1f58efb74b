#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "edge/auth/password.h"
#include "edge/test_edge.h"
#include "io/blocking_pool.h"

namespace cusp::edge {
namespace {

using namespace testing;

// "secret" and "pass:word", at the lowest cost there is.
constexpr std::string_view kUsers = R"(
[edge.basic_auth]
field = "x-user"
[edge.basic_auth.users]
alice = "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2"
bob = "$2b$04$abcdefghijklmnopqrstuu7govE5p0NSk1WUEk5C2Qm3hpPC6VJ66"
)";

class BasicAuthTest : public ::testing::Test {
 protected:
  FeatureContext context() {
    FeatureContext context = test_context();
    context.blocking = &blocking_;
    return context;
  }
  std::string problem(const std::string& text) { return problem_of(text, context()); }

  // The pool is no work of the loop.
  TestEdge& edge() {
    if (!edge_) {
      edge_.emplace(
          kUsers,
          [this](http::Request& request) {
            seen_ = request.fields;
            return http::text_response(200, "");
          },
          context());
      work_.emplace(io::asio::make_work_guard(edge_->loop()));
    }
    return *edge_;
  }
  http::Response send(std::string authorization) {
    return edge().get("/", {{"authorization", std::move(authorization)}});
  }

  io::BlockingPool blocking_{1};
  std::optional<TestEdge> edge_;
  std::optional<io::asio::executor_work_guard<io::Executor>> work_;
  http::Fields seen_;
};

TEST_F(BasicAuthTest, NameAndPasswordLetARequestPassOnceAndAgain) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(send("Basic YWxpY2U6c2VjcmV0").status, 200);  // alice:secret
    EXPECT_EQ(seen_.get_all("x-user"), "alice");
    EXPECT_FALSE(seen_.get("authorization"));
    EXPECT_EQ(send("basic Ym9iOnBhc3M6d29yZA==").status, 200);  // bob:pass:word
    EXPECT_EQ(seen_.get_all("x-user"), "bob");
  }
}

TEST_F(BasicAuthTest, EverythingElseIsAskedForThem) {
  const std::string kHostile[] = {
      "Basic YWxpY2U6c2VjcmV1",      // alice:secreu
      "Basic YWxpY2U6",              // alice:
      "Basic YWxpY2U=",              // alice
      "Basic OnNlY3JldA==",          // :secret
      "Basic Og==",                  // :
      "Basic QWxpY2U6c2VjcmV0",      // Alice:secret
      "Basic bWFsbG9yeTpzZWNyZXQ=",  // mallory:secret
      "Basic YWxpY2U6c2VjcmV0AA==",  // a NUL behind it
      "Basic YWxpY2UAOnNlY3JldA==",  // and within
      "Basic  YWxpY2U6c2VjcmV",
      "Basic YWxpY2U6c2VjcmV0=",
      "Basic YWxp Y2U6c2VjcmV0",
      "Basic YWxpY2U6c2VjcmV0!",
      "Basic",
      "Basic ",
      "Bearer YWxpY2U6c2VjcmV0",
      "YWxpY2U6c2VjcmV0",
      "Basic " + std::string(60'000, 'A'),
  };
  for (const auto& value : kHostile) {
    const auto response = send(value);
    EXPECT_EQ(response.status, 401) << value.substr(0, 60);
    EXPECT_EQ(response.fields.get("www-authenticate"), "Basic realm=\"shop\", charset=\"UTF-8\"");
    EXPECT_EQ(response.fields.get("cache-control"), "no-store");
  }
  EXPECT_EQ(edge().get("/").status, 401);
  EXPECT_EQ(edge()
                .get("/", {{"authorization", "Basic YWxpY2U6c2VjcmV0"},
                           {"authorization", "Basic Ym9iOnBhc3M6d29yZA=="}})
                .status,
            401);
  EXPECT_EQ(edge().fetches(), 0u);
}

TEST_F(BasicAuthTest, AForgedNameNeverReachesTheOrigin) {
  EXPECT_EQ(edge()
                .get("/", {{"authorization", "Basic YWxpY2U6c2VjcmV0"},
                           {"x-user", "root"},
                           {"X_User", "root"}})
                .status,
            200);
  EXPECT_EQ(seen_.get_all("x-user"), "alice");
  EXPECT_FALSE(seen_.get("x_user"));
}

TEST_F(BasicAuthTest, UsersMayComeFromAFileOfHtpasswd) {
  std::string folder = (std::filesystem::temp_directory_path() / "cusp-users-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/users")
      << "# people\n\ncarol:$2b$04$abcdefghijklmnopqrstuu7govE5p0NSk1WUEk5C2Qm3hpPC6VJ66\r\n";
  FeatureContext here = context();
  here.directory = folder;
  TestEdge edge("basic_auth = { users_file = \"users\" }", {}, here);
  const auto work = io::asio::make_work_guard(edge.loop());
  EXPECT_EQ(edge.get("/", {{"authorization", "Basic Y2Fyb2w6cGFzczp3b3Jk"}}).status, 200);
  EXPECT_EQ(edge.get("/", {{"authorization", "Basic I3Blb3BsZTo="}}).status, 401);
  std::ofstream(folder + "/users") << "carol\n";
  EXPECT_NE(
      problem_of("basic_auth = { users_file = \"users\" }", here).find("'carol' is not a name"),
      std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_F(BasicAuthTest, WeakHashesAndHalfConfigurationsAreRefused) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"basic_auth = { users = { a = \"secret\" } }", "is not hashed"},
      {"basic_auth = { users = { a = \"$1$salt$qJH7.N4xYta3aEG/dfqo/0\" } }", "is not hashed"},
      {"basic_auth = { users = { a = \"$apr1$x$y\" } }", "is not hashed"},
      {"basic_auth = { users = { a = \"*\" } }", "is not hashed"},
      {"basic_auth = { users = { a = \"\" } }", "is not a name with something"},
      {"basic_auth = { users = {} }", "needs 'users'"},
      {"basic_auth = {}", "needs 'users'"},
      {"basic_auth = { users_file = \"nowhere\" }", "nowhere"},
      {"basic_auth = { user = {} }", "did you mean 'users'"},
      {"basic_auth = true", "table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string said = problem(text);
    EXPECT_NE(said.find(expected), said.npos) << text << " → " << said;
  }
}

TEST(VerifiedPasswords, KnowPairsAndNotTheirParts) {
  VerifiedPasswords verified;
  verified.add("ab", "c");
  EXPECT_TRUE(verified.contains("ab", "c"));
  EXPECT_FALSE(verified.contains("a", "bc"));
  EXPECT_FALSE(verified.contains("ab", "d"));
  for (size_t i = 0; i < 2 * VerifiedPasswords::kEntriesMax; ++i)
    verified.add("x", std::to_string(i));
  EXPECT_TRUE(verified.contains("x", std::to_string(2 * VerifiedPasswords::kEntriesMax - 1)));
}

}  // namespace
}  // namespace cusp::edge
