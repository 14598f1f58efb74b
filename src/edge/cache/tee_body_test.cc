#include "edge/cache/tee_body.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

std::string text_of(const Content& content) {
  std::string text;
  for (const Block& block : content.blocks) text += *block;
  return text;
}

class TeeBodyTest : public ::testing::Test {
 protected:
  // Reads all of a body of those parts; the last one is the error when `fails`.
  std::optional<std::string> read(std::vector<std::string> parts, uint64_t bytes_max, bool fails) {
    std::vector<http::BodyPart> given;
    for (std::string& part : parts) given.push_back({.data = std::move(part)});
    if (!fails) given.back().end = true;
    http::Response response;
    response.body =
        make_tee_body(std::make_unique<http::testing::SlowBody>(loop.executor(), std::move(given),
                                                                std::chrono::milliseconds(0)),
                      bytes_max, [this](Content content, std::optional<http::Fields>) {
                        EXPECT_FALSE(collected);
                        collected = text_of(content);
                      });
    return loop.read_all(response);
  }

  http::testing::TestClient loop;
  std::optional<std::string> collected;
};

TEST_F(TeeBodyTest, CollectsWhatItsReaderReads) {
  EXPECT_EQ(read({"a", "", "bc"}, 3, false), "abc");
  EXPECT_EQ(collected, "abc");
}

TEST_F(TeeBodyTest, CollectsNothingOfWhatBreaksOffOrIsTooLarge) {
  EXPECT_EQ(read({"a", "bc"}, 10, true), std::nullopt);
  EXPECT_FALSE(collected);
  EXPECT_EQ(read({"a", "bc"}, 2, false), "abc");
  EXPECT_FALSE(collected);
}

TEST(Content, ManySmallBlocksBecomeFewLargeOnes) {
  Content content;
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    const std::string piece = std::to_string(i);
    content.append(std::make_shared<const std::string>(piece));
    text += piece;
  }
  const Content joined = compacted(content);
  EXPECT_EQ(text_of(joined), text);
  EXPECT_EQ(joined.blocks.size(), text.size() / limits::kBodyChunkBytes + 1);
  EXPECT_LT(joined.bytes(), text.size() + text.size() / 8);
}

TEST(Content, ACutIsExactlyTheRange) {
  Content content;
  for (const char* piece : {"abc", "d", "efgh"})
    content.append(std::make_shared<const std::string>(piece));
  for (uint64_t first = 0; first <= 8; ++first) {
    for (uint64_t end = first; end <= 8; ++end) {
      EXPECT_EQ(text_of(content.cut({first, end})),
                std::string("abcdefgh").substr(first, end - first));
    }
  }
}

}  // namespace

}  // namespace cusp::edge::cache
