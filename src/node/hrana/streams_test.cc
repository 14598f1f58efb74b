#include "node/hrana/streams.h"

#include <gtest/gtest.h>

#include <set>

namespace cusp::node::hrana {
namespace {

Token token(const std::string& id) { return {.id = id, .secret = "s", .grant = {.app = "shop"}}; }

StreamPtr stream(const std::string& owner) {
  auto stream = std::make_unique<Stream>();
  stream->owner = owner;
  stream->app = "shop";
  stream->database = "orders";
  return stream;
}

TEST(HranaStreams, ABatonOpensItsStreamOnceAndForItsOwner) {
  Streams streams;
  const std::string baton = Streams::make_baton();
  EXPECT_EQ(baton.size(), 32u);
  streams.put(baton, stream("a"));
  EXPECT_FALSE(streams.take("", token("a"), "shop", "orders"));
  EXPECT_FALSE(streams.take(baton + "x", token("a"), "shop", "orders"));
  EXPECT_FALSE(streams.take(baton, token("b"), "shop", "orders"));
  EXPECT_FALSE(streams.take(baton, token("a"), "blog", "orders"));
  EXPECT_FALSE(streams.take(baton, token("a"), "shop", "other"));
  EXPECT_TRUE(streams.take(baton, token("a"), "shop", "orders"));
  EXPECT_EQ(streams.take(baton, token("a"), "shop", "orders").error().code, ErrorCode::kNotFound);
}

TEST(HranaStreams, OneTokenCrowdsOutItself) {
  Streams streams;
  const std::string others = Streams::make_baton();
  streams.put(others, stream("other"));
  std::vector<std::string> batons;
  for (size_t i = 0; i < Streams::kStreamsOfTokenMax + 5; ++i) {
    batons.push_back(Streams::make_baton());
    streams.put(batons.back(), stream("greedy"));
  }
  EXPECT_EQ(std::set<std::string>(batons.begin(), batons.end()).size(), batons.size());
  EXPECT_FALSE(streams.take(batons.front(), token("greedy"), "shop", "orders"));
  EXPECT_TRUE(streams.take(batons.back(), token("greedy"), "shop", "orders"));
  EXPECT_TRUE(streams.take(others, token("other"), "shop", "orders"));
}

TEST(HranaStreams, ThereIsABoundForAll) {
  Streams streams;
  const std::string first = Streams::make_baton();
  streams.put(first, stream("first"));
  for (size_t i = 0; i < Streams::kStreamsMax; ++i) {
    streams.put(Streams::make_baton(), stream(std::to_string(i)));
  }
  EXPECT_FALSE(streams.take(first, token("first"), "shop", "orders"));
}

}  // namespace
}  // namespace cusp::node::hrana
