#include "host/redis_address.h"

#include <gmock/gmock.h>

namespace cusp::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisAddress, EveryPartIsRead) {
  const auto address = RedisAddress::parse("rediss://al%40ice:s%3Acret@Cache.Example:7000/3");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->scheme, "rediss");
  EXPECT_EQ(address->user, "al@ice");
  EXPECT_EQ(address->password, "s:cret");
  EXPECT_EQ(address->host, "cache.example");
  EXPECT_EQ(address->port, 7000);
  EXPECT_EQ(address->database, 3U);
}

TEST(RedisAddress, WhatIsNotSaidHasADefault) {
  const auto address = RedisAddress::parse("redis://[::1]/");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 6379);
  EXPECT_EQ(address->database, 0U);
  EXPECT_EQ(address->password, "");
}

TEST(RedisAddress, WhatIsNoAddressIsRefusedWithoutRepeatingIt) {
  for (const auto* text :
       {"", "hunter2", "http://hunter2", "redis://", "redis://hunter2@a", "redis://:hunter2@",
        "redis://:hunter2%4@a", "redis://a:hunter2", "redis://a:65536", "redis://a:1/hunter2",
        "redis://a/-1", "redis://[::1", "redis://a b", "redis://a\r\nb", "redis://[::1]x"}) {
    const auto address = RedisAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(address.error().message, Not(HasSubstr("hunter2")));
  }
  EXPECT_FALSE(RedisAddress::parse("redis://" + std::string(3000, 'a')));
}

}  // namespace
}  // namespace cusp::host
