#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

// 192.0.2.x: Germany, AS64500; 198.51.100.x: Japan, AS64501; elsewhere: not known.
class TwoNetworks final : public Geo {
 public:
  Place find(std::string_view address) const override {
    if (address.starts_with("192.0.2.")) return {.country = "DE", .asn = 64500};
    if (address.starts_with("198.51.100.")) return {.country = "JP", .asn = 64501};
    return {};
  }
};

class AclTest : public Test {
 protected:
  AclTest() { std::filesystem::create_directories(folder); }
  ~AclTest() override { std::filesystem::remove_all(folder); }

  FeatureContext context() const { return {.directory = folder.string(), .app = "shop"}; }
  void write(std::string_view text) { std::ofstream(folder / "list.txt") << text; }

  // The statuses for a client of each network, and one that is in neither.
  std::string statuses(std::string_view acl) {
    TestEdge edge(acl, {}, context());
    edge.set_geo(&geo);
    std::string result;
    for (const char* client : {"192.0.2.1", "198.51.100.1", "2001:db8::1"}) {
      result += fmt::format("{} ", edge.get("/", {}, client).status);
    }
    return result;
  }

  const TwoNetworks geo;
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) /
      fmt::format("acl_{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(AclTest, DenyKeepsOutAndAllowLetsInAlone) {
  EXPECT_EQ(statuses(R"(acl = { deny = ["192.0.2.0/24"] })"), "403 200 200 ");
  EXPECT_EQ(statuses(R"(acl = { deny = ["2001:db8::1"] })"), "200 200 403 ");
  EXPECT_EQ(statuses(R"(acl = { deny = ["DE"] })"), "403 200 200 ");
  EXPECT_EQ(statuses(R"(acl = { deny = ["AS64501"], status = 404 })"), "200 404 200 ");
  EXPECT_EQ(statuses(R"(acl = { allow = ["192.0.2.0/24"] })"), "200 403 403 ");
  EXPECT_EQ(statuses(R"(acl = { allow = ["JP", "AS64500"] })"), "200 200 403 ");
  EXPECT_EQ(statuses(R"(acl = { allow = ["JP", "DE"], deny = ["192.0.2.1"] })"), "403 200 403 ");
}

TEST_F(AclTest, HostileAddressesFindNoGap) {
  TestEdge deny(R"(acl = { deny = ["192.0.2.0/24"] })");
  EXPECT_EQ(deny.get("/", {}, "::ffff:192.0.2.1").status, 403) << "IPv4 in an IPv6 socket";
  EXPECT_EQ(deny.get("/", {}, "::ffff:c000:201").status, 403);
  TestEdge allow(R"(acl = { allow = ["192.0.2.0/24"] })");
  for (const char* client : {"", "192.0.2", "192.0.2.1.1", "192.0.2.1:80", "unix:", "c0.0.2.1",
                             "::192.0.2.1", "3221225985", "192.0.2.01"}) {
    EXPECT_EQ(allow.get("/", {}, client).status, 403) << client;
  }
  // What a client says of itself counts nothing.
  EXPECT_EQ(allow.get("/", {{"x-forwarded-for", "192.0.2.1"}}, "198.51.100.1").status, 403);
}

TEST_F(AclTest, AnUnknownPlaceIsNotAllowed) {
  TestEdge edge(R"(acl = { allow = ["DE", "AS64500"] })");  // no database
  EXPECT_EQ(edge.get("/").status, 403);
}

TEST_F(AclTest, ListsComeFromFiles) {
  write("# partners\n192.0.2.0/24\r\n\n  JP  # all of it\nAS64999\n2001:db8:1::/48\n");
  EXPECT_EQ(statuses(R"(acl = { deny_files = ["list.txt"] })"), "403 403 200 ");
  EXPECT_EQ(statuses(R"(acl = { deny = ["2001:db8::1"], deny_files = ["list.txt"] })"),
            "403 403 403 ");
}

TEST_F(AclTest, AHundredThousandPrefixesAreReadAtOnce) {
  {
    std::ofstream file(folder / "list.txt");
    for (int i = 0; i < 100'000; ++i) {
      file << 20 + i / 65536 << '.' << i / 256 % 256 << '.' << i % 256 << ".0/24\n";
    }
  }
  const auto start = std::chrono::steady_clock::now();
  TestEdge edge(R"(acl = { deny_files = ["list.txt"] })", {}, context());
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
  EXPECT_LT(took, std::chrono::seconds(5)) << "even without optimisation";
  EXPECT_EQ(edge.get("/", {}, "21.134.159.9").status, 403);
  EXPECT_EQ(edge.get("/", {}, "21.134.160.9").status, 200);
}

TEST_F(AclTest, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(acl = {})", "'acl' needs 'allow' or 'deny'"},
      {R"(acl = { deny = [] })", "'acl' needs 'allow' or 'deny'"},
      {R"(acl = { allow = [], deny = ["DE"] })", "'allow' has no members"},
      {R"(acl = { deny = ["10.0.0.0/33"] })", "is no address"},
      {R"(acl = { deny = ["de"] })", "is no address"},
      {R"(acl = { deny = ["DEU"] })", "is no address"},
      {R"(acl = { deny = ["AS0"] })", "'AS0' is not a network"},
      {R"(acl = { deny = ["AS99999999999"] })", "is not a network"},
      {R"(acl = { deny = ["AS-1"] })", "is not a network"},
      {R"(acl = { deny = [7] })", "must be a string"},
      {R"(acl = { deny = "DE" })", "must be an array"},
      {R"(acl = { deny = ["DE"], status = 200 })", "between 400 and 499"},
      {R"(acl = { deny_files = ["none.txt"] })", "there is no file"},
      {R"(acl = { deny_files = ["list.txt"] })", "list.txt:2: 'x' is no address"},
      {R"(acl = { denied = ["DE"] })", "unknown key 'denied'"},
      {R"(acl = true)", "must be a table"},
  };
  write("DE\nx\ny\nz\n1\n2\n3\n");
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text, context());
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
  EXPECT_NE(problem_of(R"(acl = { deny_files = ["list.txt"] })", context()).find("; and 1 more"),
            std::string::npos);
}

}  // namespace
}  // namespace cusp::edge
