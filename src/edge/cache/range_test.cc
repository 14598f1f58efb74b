#include "edge/cache/range.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

using Kind = RangeRequest::Kind;

TEST(Range, OpenClosedAndSuffixRangesAreCutToTheSize) {
  const auto first = [](std::string_view field) { return parse_range(field, 10).ranges.at(0); };
  EXPECT_EQ(first("bytes=2-4"), (ByteRange{2, 5}));
  EXPECT_EQ(first("Bytes=2-"), (ByteRange{2, 10}));
  EXPECT_EQ(first("bytes=-3"), (ByteRange{7, 10}));
  EXPECT_EQ(first("bytes=-30"), (ByteRange{0, 10}));
  EXPECT_EQ(first("bytes=9-99999999999999999999999"), (ByteRange{9, 10}));
  EXPECT_EQ(first("bytes= , 0-0"), (ByteRange{0, 1}));
}

TEST(Range, WhatIsNotThereIsUnsatisfiable) {
  for (const char* field :
       {"bytes=10-", "bytes=10-11", "bytes=-0", "bytes=10-,20-", "bytes=99999999999999999999999-"})
    EXPECT_EQ(parse_range(field, 10).kind, Kind::kUnsatisfiable) << field;
  EXPECT_EQ(parse_range("bytes=0-", 0).kind, Kind::kUnsatisfiable);
  EXPECT_EQ(parse_range("bytes=10-,0-0", 10).ranges.size(), 1U);
}

TEST(Range, WhatIsMalformedIsPassedOver) {
  for (const char* field : {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=1", "bytes=-",
                            "bytes=4-2", "bytes=1--2", "bytes=+1-2", "bytes=0x1-2", "lines=1-2",
                            "bytes 1-2", "bytes=1-2;3-4", "bytes=1-2, x"})
    EXPECT_EQ(parse_range(field, 10).kind, Kind::kWhole) << field;
}

TEST(Range, BombsGetTheWhole) {
  EXPECT_EQ(parse_range("bytes=0-,0-", 10).kind, Kind::kWhole);
  EXPECT_EQ(parse_range("bytes=5-9,0-5", 10).kind, Kind::kWhole);
  std::string many = "bytes=0-0";
  for (int i = 2; i < 100; i += 2) many += "," + std::to_string(i) + "-" + std::to_string(i);
  EXPECT_EQ(parse_range(many, 1000).kind, Kind::kWhole);
  EXPECT_EQ(parse_range("bytes=5-9,0-4", 10).ranges.size(), 2U);
}

TEST(ContentRange, IsReadAndWritten) {
  const auto range = parse_content_range("bytes 4-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->range, (ByteRange{4, 10}));
  EXPECT_EQ(range->complete, 10U);
  EXPECT_EQ(to_field(*range), "bytes 4-9/10");
}

TEST(ContentRange, WhatIsMalformedIsNone) {
  for (const char* field :
       {"", "bytes", "bytes 4-9", "bytes 4-9/*", "bytes */10", "bytes 9-4/10", "bytes 4-10/10",
        "bytes -9/10", "bytes 4-/10", "items 4-9/10", "bytes 4-9/10x", "bytes 4/9-10"})
    EXPECT_FALSE(parse_content_range(field)) << field;
}

}  // namespace

}  // namespace cusp::edge::cache
