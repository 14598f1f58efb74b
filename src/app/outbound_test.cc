#include "app/outbound.h"

#include <gtest/gtest.h>

namespace cusp::app {
namespace {

struct Ask {
  std::string_view scheme;
  std::string_view host;
  uint16_t port;
};

struct Case {
  std::string_view entry;
  Ask ask;
  bool expected;
};

TEST(OutboundPolicy, EntriesAllowWhatTheySay) {
  for (const auto& [entry, ask, expected] : {
           Case{"https://api.example.com", {"https", "api.example.com", 443}, true},
           {"https://api.example.com", {"HTTPS", "API.Example.com", 443}, true},
           {"https://API.example.COM/", {"https", "api.example.com", 443}, true},
           {"https://api.example.com", {"https", "api.example.com", 444}, false},
           {"https://api.example.com", {"http", "api.example.com", 443}, false},
           {"https://api.example.com", {"https", "example.com", 443}, false},
           {"https://api.example.com", {"https", "x.api.example.com", 443}, false},
           {"http://h:8080", {"http", "h", 8080}, true},
           {"http://h:*", {"http", "h", 1}, true},
           {"*://h:5432", {"tcp", "h", 5432}, true},
           {"http://h:8000..9000", {"http", "h", 8000}, true},
           {"http://h:8000..9000", {"http", "h", 8999}, true},
           {"http://h:8000..9000", {"http", "h", 9000}, false},
           {"https://*.example.com", {"https", "a.b.example.com", 443}, true},
           {"https://*.example.com", {"https", "example.com", 443}, false},
           {"https://*.example.com", {"https", "evilexample.com", 443}, false},
           {"https://*", {"https", "anything", 443}, true},
           {"https://*", {"https", "anything", 8443}, false},
           {"*://*:*", {"redis", "10.0.0.1", 6379}, true},
           {"redis://cache", {"redis", "cache", 6379}, true},
           {"http://[::1]", {"http", "[::1]", 80}, true},
           {"http://[::1]:8080", {"http", "::1", 8080}, true},
           {"http://127.0.0.1", {"http", "127.0.0.1", 80}, true},
           {"http://127.0.0.1", {"http", "127.0.0.2", 80}, false},
           {"http://10.0.0.0/8", {"http", "10.2.3.4", 80}, true},
           {"http://10.0.0.0/8:8080", {"http", "10.2.3.4", 8080}, true},
           {"http://10.0.0.0/8", {"http", "ten.example.com", 80}, false},
           {"http://ff00::/8", {"http", "ff00::1", 80}, true},
           {"http://2001:db8::/32:443", {"http", "[2001:db8::1]", 443}, true},
           {"http://self", {"http", "self", 80}, false},
       }) {
    auto policy = OutboundPolicy::create({std::string(entry)});
    ASSERT_TRUE(policy) << entry << ": " << policy.error().to_string();
    EXPECT_EQ(policy->allows(ask.scheme, ask.host, ask.port), expected)
        << entry << " on " << ask.scheme << "://" << ask.host << ":" << ask.port;
  }
}

TEST(OutboundPolicy, NothingIsAllowedByDefault) {
  auto policy = OutboundPolicy::create({});
  ASSERT_TRUE(policy);
  EXPECT_FALSE(policy->allows("https", "example.com", 443));
  EXPECT_FALSE(policy->allows_self());
}

TEST(OutboundPolicy, SelfIsAllowedByItsOwnEntryOrByEveryHost) {
  for (const char* entry : {"self", "http://self", "https://self", "*://self:*", "http://*:*"}) {
    auto policy = OutboundPolicy::create({entry});
    ASSERT_TRUE(policy) << entry;
    EXPECT_TRUE(policy->allows_self()) << entry;
  }
  for (const char* entry : {"http://example.com", "redis://*:*", "http://self.example.com"}) {
    auto policy = OutboundPolicy::create({entry});
    ASSERT_TRUE(policy) << entry;
    EXPECT_FALSE(policy->allows_self()) << entry;
  }
}

TEST(OutboundPolicy, MalformedEntriesAreRefusedByName) {
  for (const char* entry : {"",
                            "*",
                            ":",
                            "?",
                            "example.com",
                            "example.com:8080",
                            "://x",
                            "1x://h",
                            "ht-tp://h",
                            "{a,b}://h:1",
                            "http://",
                            "http://h:notaport",
                            "http://h:99999",
                            "http://h:80:90",
                            "http://h:8080..",
                            "http://h:..9",
                            "http://h:9000..8000",
                            "http://h:1..1",
                            "http://h:8O8O",
                            "http://h/p",
                            "http://h:8080/p",
                            "http://h//",
                            "http://*.h/p",
                            "http://10.0.0.0/24/p",
                            "http://10.0.0.0/33",
                            "*://h",
                            "foo://h",
                            "http://a*.b",
                            "http://*.*.b",
                            "http://*.",
                            "http://*.127.0.0.1",
                            "http://*.[::1]",
                            "http://1.2.3",
                            "http://127.1",
                            "http://[::1",
                            "http://[::1]junk",
                            "http://[::1]/foo",
                            "[::1]:80",
                            "http://exa[mple.com",
                            "http://example%.com",
                            "http://h h",
                            "http://self//",
                            "insecure:allow-all",
                            "http://{x}",
                            "http://user@h"}) {
    auto policy = OutboundPolicy::create({"https://ok.example", entry});
    ASSERT_FALSE(policy) << entry;
    EXPECT_EQ(policy.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(policy.error().message.find("'" + std::string(entry) + "'"), std::string::npos);
  }
}

struct AddressCase {
  std::string_view entry;
  std::string_view host;
  std::string_view address;
  bool expected;
};

TEST(OutboundPolicy, PrivateAddressesNeedAnEntryThatNamesThem) {
  for (const auto& [entry, host, address, expected] : {
           AddressCase{"http://*:*", "evil.example", "93.184.216.34", true},
           {"http://*:*", "evil.example", "127.0.0.1", false},
           {"http://*:*", "evil.example", "169.254.169.254", false},
           {"http://*:*", "127.0.0.1", "127.0.0.1", false},
           {"http://evil.example", "evil.example", "::ffff:10.0.0.1", false},
           {"http://127.0.0.1", "127.0.0.1", "127.0.0.1", true},
           {"http://127.0.0.1", "127.0.0.1", "127.0.0.2", false},
           {"http://10.0.0.0/8", "10.0.0.5", "10.0.0.5", true},
           {"http://10.0.0.0/8", "10.0.0.5", "192.168.0.5", false},
           {"http://10.0.0.0/8:8080", "10.0.0.5", "10.0.0.5", false},
           {"http://localhost", "localhost", "127.0.0.1", true},
           {"http://localhost", "LocalHost", "::1", true},
           {"http://localhost", "localhost", "10.0.0.1", false},
           {"http://localhost", "other.example", "127.0.0.1", false},
           {"http://[::1]", "[::1]", "::1", true},
           {"http://*:*", "x", "not an address", false},
       }) {
    auto policy = OutboundPolicy::create({std::string(entry)});
    ASSERT_TRUE(policy) << entry;
    EXPECT_EQ(policy->allows_address("http", host, address, 80), expected)
        << entry << " " << host << " " << address;
  }
}

TEST(OutboundPolicy, LegacyHttpHostsBecomeEntriesOfBothSchemes) {
  EXPECT_EQ(
      convert_http_hosts({"example.com", "https://other.org:8443", "self"}),
      (std::vector<std::string>{"http://example.com", "https://example.com",
                                "http://other.org:8443", "https://other.org:8443", "http://self"}));
  EXPECT_EQ(convert_http_hosts({"a", "insecure:allow-all"}),
            (std::vector<std::string>{"http://*:*", "https://*:*", "http://self"}));
  EXPECT_TRUE(convert_http_hosts({}).empty());
}

}  // namespace
}  // namespace cusp::app
