#include "edge/cache/key.h"

#include <gtest/gtest.h>

#include <set>

#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

std::string key_of(const http::Request& request, const Policy& policy = {}) {
  return make_key(request, address_of(request, policy), policy);
}

http::Request request_to(std::string scheme, std::string authority, std::string target) {
  return {.method = "GET",
          .scheme = std::move(scheme),
          .authority = std::move(authority),
          .target = std::move(target)};
}

TEST(CacheKey, TheSameOriginWrittenOtherwiseIsTheSame) {
  const std::string key = key_of(request_to("https", "example.com", "/a?b=c"));
  EXPECT_EQ(key_of(request_to("https", "EXAMPLE.com:443", "/a?b=c")), key);
  EXPECT_EQ(key_of(request_to("HTTPS", "example.com:", "/a?b=c")), key);
}

TEST(CacheKey, HostileInputsNeverMeet) {
  using namespace std::string_literals;
  const std::vector<http::Request> requests = [] {
    std::vector<http::Request> all;
    const auto add = [&](std::string scheme, std::string authority, std::string target) {
      all.push_back(request_to(std::move(scheme), std::move(authority), std::move(target)));
    };
    add("https", "example.com", "/a");
    add("http", "example.com", "/a");
    add("https", "example.com:8443", "/a");
    add("https", "example.com.", "/a");
    add("https", "example.com", "/A");
    add("https", "example.com", "/a/");
    add("https", "example.com", "//a");
    add("https", "example.com", "/%61");
    add("https", "example.com", "/a%00");
    add("https", "example.com", "/a\0"s);
    add("https", "example.com", "/a\r\nX: y");
    add("https", "example.com", "/a,0:,");
    add("https", "example.com", "/a?b");
    add("https", "example.com", "/a%3fb");
    add("https", "example.com", "/a?b=1&b=2");
    add("https", "example.com", "/a?b=2&b=1");
    add("https", "example.com", "/a?b=1;b=2");
    add("https", "example.com/a", "/");
    add("https", "example.com,2:/a", "/a");
    add("https", "user@example.com", "/a");
    add("https", "example.com", "/../a");
    return all;
  }();
  for (const Policy& policy : {Policy{}, Policy{.query_sort = true}}) {
    std::set<std::string> keys;
    for (const auto& request : requests) {
      EXPECT_TRUE(keys.insert(key_of(request, policy)).second)
          << request.authority << " " << request.target;
    }
  }
}

TEST(CacheKey, NamespacesAndDeclaredVarianceJoinIt) {
  auto request = testing::make_request();
  const std::string plain = key_of(request);
  EXPECT_NE(key_of(request, {.name_space = "app"}), plain);
  const Policy policy{.variance = {"x-device"}};
  const std::string without = key_of(request, policy);
  request.fields.add("x-device", "");
  const std::string empty = key_of(request, policy);
  request.fields.set("x-device", "phone");
  EXPECT_NE(without, empty);
  EXPECT_NE(key_of(request, policy), empty);
  request.fields.add("x-forwarded-host", "evil.example");
  request.fields.add("cookie", "a=b");
  EXPECT_EQ(key_of(request), plain);
}

TEST(CacheKey, QueriesAreNormalisedAsThePolicySays) {
  const auto query = [](const Policy& policy, std::string target) {
    return address_of(request_to("https", "example.com", std::move(target)), policy).target();
  };
  const Policy ignore{.query_ignore = {"utm_*", "fbclid"}};
  EXPECT_EQ(query(ignore, "/a?utm_x=1&b=2&fbclid=3&c"), "/a?b=2&c");
  EXPECT_EQ(query(ignore, "/a?utm_x=1"), "/a");
  EXPECT_EQ(query(ignore, "/a?%75tm_x=1"), "/a?%75tm_x=1");
  EXPECT_EQ(query(ignore, "/a?&&b"), "/a?b");
  const Policy keep{.query_keep = {"page"}};
  EXPECT_EQ(query(keep, "/a?page=1&x=2&%70age=3&page=4"), "/a?page=1&page=4");
  const Policy sort{.query_sort = true};
  EXPECT_EQ(query(sort, "/a?b=2&a=9&b=1&a=1"), "/a?a=9&a=1&b=2&b=1");
  EXPECT_EQ(query({}, "/a?"), "/a");
}

TEST(CacheKey, AGiantQueryIsTakenAsItIs) {
  std::string target = "/a?";
  for (int i = 0; i < 100'000; ++i) target += "z&";
  const Policy sort{.query_sort = true};
  EXPECT_EQ(address_of(request_to("https", "example.com", target), sort).target(), target);
}

TEST(CacheKey, UrlsOfPurgesNameTheSame) {
  const auto address = address_of("HTTPS://Example.com:443/a?b#c", Policy{});
  ASSERT_TRUE(address);
  EXPECT_EQ(address->url(), "https://example.com/a?b");
  EXPECT_EQ(address_of("http://example.com", Policy{})->url(), "http://example.com/");
  for (const char* url : {"", "/a", "ftp://example.com/", "https://", "https:///a", "example.com"})
    EXPECT_FALSE(address_of(url, Policy{})) << url;
}

TEST(CacheKey, FieldsThatShapeResponsesUnseenAreKnown) {
  EXPECT_TRUE(is_unkeyed("x-forwarded-host", {}));
  EXPECT_TRUE(is_unkeyed("x-original-url", {}));
  EXPECT_FALSE(is_unkeyed("x-forwarded-host", {.variance = {"x-forwarded-host"}}));
  EXPECT_FALSE(is_unkeyed("accept", {}));
}

}  // namespace

}  // namespace cusp::edge::cache
