#include "node/places.h"

#include <gtest/gtest.h>

namespace cusp::node {
namespace {

class OneGeo final : public edge::Geo {
 public:
  edge::Place find(std::string_view address) const override {
    return {.country = address == "203.0.113.7" ? "FR" : ""};
  }
};

TEST(Places, AreCitiesHoweverTheyAreWritten) {
  for (const char* text : {"New York", "new-york", "newyork", "NEW_YORK"}) {
    const auto place = find_place(text, nullptr);
    ASSERT_TRUE(place) << text;
    EXPECT_EQ(place->city, "New York");
    EXPECT_EQ(place->country, "US");
    EXPECT_EQ(place->continent, "NA");
    EXPECT_EQ(place->timezone, "America/New_York");
    EXPECT_NEAR(place->latitude.value(), 40.7, 0.1);
  }
}

TEST(Places, AreCountries) {
  EXPECT_EQ(find_place("JP", nullptr)->continent, "AS");
  EXPECT_EQ(find_place("jp", nullptr)->country, "JP");
}

TEST(Places, AreThoseOfAddresses) {
  const OneGeo geo;
  EXPECT_EQ(find_place("203.0.113.7", &geo)->country, "FR");
  EXPECT_EQ(find_place("203.0.113.8", &geo).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find_place("203.0.113.7", nullptr).error().code, ErrorCode::kNotFound);
}

TEST(Places, AreNothingElse) {
  for (const char* text : {"", "ZZ", "Atlantis", "203.0.113", "203.0.113.7:80", "J", "\n"}) {
    const auto place = find_place(text, nullptr);
    ASSERT_FALSE(place) << text;
    EXPECT_EQ(place.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_NE(find_place("tokio", nullptr).error().message.find("did you mean 'tokyo'"),
            std::string::npos);
}

}  // namespace
}  // namespace cusp::node
