#include <gtest/gtest.h>

#include "edge/geo.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using testing::problem_of;
using testing::TestEdge;

const FeatureContext kNode{.directory = "."};

// Tells the address that it is asked for as the country.
class AddressGeo final : public Geo {
 public:
  Place find(std::string_view address) const override { return {.country = std::string(address)}; }
};

// Who the client is taken for, when `peer` sends these values of a field.
std::string client(std::string_view edge_text, std::string_view field,
                   const std::vector<std::string>& values, std::string peer = "10.0.0.1") {
  std::string seen;
  TestEdge edge(
      std::string(edge_text) + "\ngeo = true",
      [&](http::Request& request) {
        seen = request.fields.get("cusp-country").value_or("");
        return http::text_response(200, "");
      },
      kNode);
  const AddressGeo geo;
  edge.set_geo(&geo);
  std::vector<std::pair<std::string, std::string>> fields;
  for (const std::string& value : values) fields.emplace_back(field, value);
  edge.get("/", fields, std::move(peer));
  return seen;
}

constexpr const char* kProxies = R"(trusted_proxies = ["10.0.0.0/8", "2001:db8:ff::/48"])";
constexpr const char* kStandard =
    R"(trusted_proxies = { from = ["10.0.0.0/8"], field = "forwarded" })";

TEST(TrustedProxies, SayWhoTheClientIs) {
  const std::pair<std::vector<std::string>, std::string> kCases[] = {
      {{"192.0.2.7"}, "192.0.2.7"},
      {{"192.0.2.7:4711"}, "192.0.2.7"},
      {{"2001:db8::7"}, "2001:db8::7"},
      {{"[2001:db8::7]:4711"}, "2001:db8::7"},
      {{"192.0.2.7, 10.1.1.1"}, "192.0.2.7"},    // two proxies of ours
      {{"192.0.2.7", "10.1.1.1"}, "192.0.2.7"},  // in two lines
      {{"192.0.2.7, 2001:db8:ff::1,10.1.1.1"}, "192.0.2.7"},
      {{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},  // from inside
  };
  for (const auto& [values, expected] : kCases) {
    EXPECT_EQ(client(kProxies, "x-forwarded-for", values), expected) << values[0];
  }
}

TEST(TrustedProxies, WhatIsLeftOfTheClientIsForged) {
  const std::pair<std::vector<std::string>, std::string> kCases[] = {
      {{"127.0.0.1, 192.0.2.7"}, "192.0.2.7"},
      {{"10.0.0.9, 192.0.2.7"}, "192.0.2.7"},
      {{"10.0.0.9", "192.0.2.7, 10.1.1.1"}, "192.0.2.7"},
      {{std::string(9000, ',') + "192.0.2.7"}, "192.0.2.7"},
  };
  for (const auto& [values, expected] : kCases) {
    EXPECT_EQ(client(kProxies, "x-forwarded-for", values), expected) << values[0];
  }
}

TEST(TrustedProxies, GarbageLeavesTheLastHopThatIsKnown) {
  for (const char* value :
       {"", ",", "unknown", "_hidden", "example.com", "192.0.2", "0300.0.2.7", "192.0.2.7/24",
        "192.0.2.7 192.0.2.8", ":::ffff", "[192.0.2.7]x", "[[2001:db8::7]]", "fe80::1%eth0",
        "\"192.0.2.7\"", "192.0.2.7;", "for=192.0.2.7", "-1", "999.0.0.1"}) {
    EXPECT_EQ(client(kProxies, "x-forwarded-for", {value}), "10.0.0.1") << value;
    EXPECT_EQ(client(kProxies, "x-forwarded-for", {std::string(value) + ", 10.1.1.1"}), "10.1.1.1")
        << value;
  }
}

TEST(TrustedProxies, OthersAreNotBelieved) {
  EXPECT_EQ(client(kProxies, "x-forwarded-for", {"192.0.2.7"}, "203.0.113.5"), "203.0.113.5");
  EXPECT_EQ(client(kProxies, "x-forwarded-for", {"10.0.0.1"}, "11.0.0.1"), "11.0.0.1");
  EXPECT_EQ(client(kStandard, "forwarded", {"for=192.0.2.7"}, "203.0.113.5"), "203.0.113.5");
}

TEST(TrustedProxies, OnlyTheNamedFieldCounts) {
  EXPECT_EQ(client(kProxies, "forwarded", {"for=192.0.2.7"}), "10.0.0.1");
  EXPECT_EQ(client(kStandard, "x-forwarded-for", {"192.0.2.7"}), "10.0.0.1");
  EXPECT_EQ(client(kProxies, "x-real-ip", {"192.0.2.7"}), "10.0.0.1");
}

TEST(TrustedProxies, ReadForwarded) {
  const std::pair<const char*, const char*> kCases[] = {
      {"for=192.0.2.7", "192.0.2.7"},
      {"For=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"},
      {"proto=https; by=10.0.0.1;for=192.0.2.7", "192.0.2.7"},
      {"for=192.0.2.9, for=192.0.2.7;by=\"a,for=127.0.0.1\", for=10.1.1.1", "192.0.2.7"},
      {"for=127.0.0.1, for=192.0.2.7", "192.0.2.7"},
      // Hidden, absent, ambiguous or broken: the last hop that is known.
      {"for=unknown", "10.0.0.1"},
      {"for=_hidden, for=10.1.1.1", "10.1.1.1"},
      {"proto=https", "10.0.0.1"},
      {"for=192.0.2.7;for=192.0.2.8", "10.0.0.1"},
      {"for=\"192.0.2.7", "10.0.0.1"},
      {"forx=192.0.2.7", "10.0.0.1"},
      {"for = 192.0.2.7", "10.0.0.1"},
      {"for=", "10.0.0.1"},
      {"\"", "10.0.0.1"},
      {";;;=,=", "10.0.0.1"},
  };
  for (const auto& [value, expected] : kCases) {
    EXPECT_EQ(client(kStandard, "forwarded", {value}), expected) << value;
  }
}

TEST(TrustedProxies, RefuseWhatIsNoList) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"trusted_proxies = []", "needs an address"},
      {R"(trusted_proxies = ["10.0.0.0/33"])", "10.0.0.0/33"},
      {R"(trusted_proxies = ["localhost"])", "localhost"},
      {"trusted_proxies = {}", "'from'"},
      {R"(trusted_proxies = { from = ["10.0.0.1"], field = "x-real-ip" })", "forwarded"},
      {R"(trusted_proxies = { form = ["10.0.0.1"] })", "did you mean 'from'"},
      {"trusted_proxies = 7", "table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text, kNode);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
  EXPECT_NE(problem_of(kProxies).find("belongs into the node's"), std::string::npos);
}

}  // namespace
}  // namespace cusp::edge
