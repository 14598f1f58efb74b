#include "host/redis_protocol.h"

#include <gtest/gtest.h>

namespace cusp::host {
namespace {

// Whether a reply is whole after `piece`.
Result<bool> feed(RedisReplyReader& reader, std::string_view piece) {
  CUSP_CHECK(reader.append(piece));
  return reader.next();
}

TEST(RedisProtocol, ACommandCarriesAnyBytes) {
  const std::vector<std::string> words{"SET", "k", std::string("\r\n\0$", 4)};
  EXPECT_EQ(format_redis_command(words),
            std::string("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\0$\r\n", 30));
}

TEST(RedisProtocol, AReplyIsReadHoweverItComesInPieces) {
  RedisReplyReader reader;
  const std::string_view text = "*4\r\n:7\r\n+OK\r\n$-1\r\n*1\r\n$2\r\nab\r\n";
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const auto done = feed(reader, text.substr(i, 1));
    ASSERT_TRUE(done);
    ASSERT_FALSE(*done);
  }
  ASSERT_TRUE(feed(reader, text.substr(text.size() - 1)).value());
  const auto reply = reader.take();
  ASSERT_EQ(reply.values.size(), 4U);
  EXPECT_EQ(std::get<int64_t>(reply.values[0]), 7);
  EXPECT_EQ(std::get<RedisStatus>(reply.values[1]).text, "OK");
  EXPECT_EQ(reply.values[2].index(), 0U);
  EXPECT_EQ(std::get<std::string>(reply.values[3]), "ab");
}

TEST(RedisProtocol, AnErrorIsTheServersText) {
  RedisReplyReader reader;
  ASSERT_TRUE(feed(reader, "-WRONGTYPE no\r\n").value());
  EXPECT_EQ(reader.take().error, "WRONGTYPE no");
}

TEST(RedisProtocol, RepliesThatComeTogetherAreReadOneByOne) {
  RedisReplyReader reader;
  ASSERT_TRUE(feed(reader, "+a\r\n*2\r\n+b\r\n:1\r\n+c").value());
  EXPECT_FALSE(reader.empty());
  EXPECT_EQ(reader.take().values.size(), 1U);
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.take().values.size(), 2U);
  EXPECT_FALSE(reader.next().value());
  ASSERT_TRUE(feed(reader, "\r\n").value());
  EXPECT_EQ(std::get<RedisStatus>(reader.take().values.at(0)).text, "c");
  EXPECT_TRUE(reader.empty());
}

TEST(RedisProtocol, WhatIsNotTheProtocolIsAnError) {
  for (const auto* text : {"HTTP/1.1 200 OK\r\n\r\n", "*x\r\n", "$-7\r\n", ":1x\r\n",
                           "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    RedisReplyReader reader;
    EXPECT_FALSE(feed(reader, text)) << text;
  }
}

TEST(RedisProtocol, AnnouncedSizesCostNothingAndEndlessRepliesEnd) {
  RedisReplyReader huge;
  EXPECT_FALSE(feed(huge, "*2147483647\r\n"));
  RedisReplyReader lying;
  EXPECT_FALSE(feed(lying, "$2147483000\r\nx").value());
  const std::string piece(1'000'000, 'x');
  size_t taken = 0;
  while (feed(lying, piece)) taken += piece.size();
  EXPECT_LE(taken, kRedisReplyBytesMax);
  // Lists in lists can hold more than any one of them announces.
  RedisReplyReader many;
  ASSERT_FALSE(feed(many, "*1000\r\n").value());
  std::string list = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) list += ":1\r\n";
  size_t lists = 0;
  while (feed(many, list)) ++lists;
  EXPECT_EQ(lists, kRedisReplyValuesMax / 1000);
}

}  // namespace
}  // namespace cusp::host
