#include "base/units.h"

#include <gtest/gtest.h>

namespace cusp {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAreReadWithTheirUnit) {
  struct Case {
    std::string_view text;
    std::chrono::milliseconds expected;
  };
  for (const auto& [text, expected] : {Case{"0s", 0ms},
                                       {"250ms", 250ms},
                                       {"30s", 30s},
                                       {"5m", 5min},
                                       {"2h", 2h},
                                       {"1.5s", 1500ms},
                                       {"0.25m", 15s}}) {
    auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(*duration, expected) << text;
  }
}

TEST(Units, MalformedDurationsAreRefusedWithAnExample) {
  for (std::string_view text :
       {"", "s", "30", "-1s", "+1s", "1 s", "1S", "1d", "1.5ms", "..5s", "1.2.3s", "infs", "nans",
        "1e3s", "1s ", "99999999999999999999h", "0x10s"}) {
    auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(duration.error().message.find("\"30s\""), std::string::npos);
  }
}

TEST(Units, SizesTellDecimalFromBinaryUnits) {
  struct Case {
    std::string_view text;
    uint64_t expected;
  };
  for (const auto& [text, expected] : {Case{"0B", 0},
                                       {"512B", 512},
                                       {"1KB", 1000},
                                       {"1KiB", 1024},
                                       {"10MB", 10'000'000},
                                       {"128MiB", 134217728},
                                       {"1.5GiB", 1610612736},
                                       {"2GB", 2'000'000'000}}) {
    auto bytes = parse_bytes(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(*bytes, expected) << text;
  }
}

TEST(Units, MalformedSizesAreRefusedWithAnExample) {
  for (std::string_view text : {"", "B", "64", "64K", "64kib", "-1KiB", "0.5B", "1.0001KB", "1 KiB",
                                "KiB64", "9007199254740993GiB", "1e3B"}) {
    auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(bytes.error().message.find("\"64KiB\""), std::string::npos);
  }
}

}  // namespace
}  // namespace cusp
