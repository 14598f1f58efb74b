#include <gtest/gtest.h>

#include "edge/geo_database.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using testing::problem_of;
using testing::TestEdge;

// The origin tells what it was told.
http::Response echo(http::Request& request) {
  std::string text;
  for (const auto [name, value] : request.fields) {
    if (name.starts_with("cusp-")) text += std::string(name) + "=" + std::string(value) + ";";
  }
  return http::text_response(200, text);
}

std::string told(std::string_view edge_text, const Geo* geo,
                 std::vector<std::pair<std::string, std::string>> fields = {}) {
  TestEdge edge(edge_text, echo);
  edge.set_geo(geo);
  auto response = edge.get("/", std::move(fields));
  return edge.text(response);
}

const Place kTokyo{.continent = "AS",
                   .country = "JP",
                   .region = "13",
                   .city = "Tokyo",
                   .timezone = "Asia/Tokyo",
                   .latitude = 35.6897,
                   .longitude = 139.6922,
                   .asn = 64500,
                   .as_organization = "Example K.K."};

TEST(GeoFeature, TellsTheOriginWhereTheClientIs) {
  const auto geo = make_fixed_geo(kTokyo);
  EXPECT_EQ(told("geo = true", geo.get()),
            "cusp-country=JP;cusp-continent=AS;cusp-region=13;cusp-city=Tokyo;"
            "cusp-timezone=Asia/Tokyo;cusp-latitude=35.6897;cusp-longitude=139.6922;"
            "cusp-asn=64500;cusp-as-organization=Example K.K.;");
}

TEST(GeoFeature, TellsOnlyWhatItIsAskedFor) {
  const auto geo = make_fixed_geo(kTokyo);
  EXPECT_EQ(told(R"(geo.fields = ["country", "asn"])", geo.get()),
            "cusp-country=JP;cusp-asn=64500;");
}

TEST(GeoFeature, TakesOutWhatClientsSayOfThemselves) {
  const std::vector<std::pair<std::string, std::string>> kForged = {
      {"cusp-country", "XX"}, {"Cusp-Country", "YY"}, {"cusp-city", "Here"}, {"cusp-asn", "1"}};
  const auto geo = make_fixed_geo({.country = "JP"});
  EXPECT_EQ(told("geo = true", geo.get(), kForged), "cusp-country=JP;");
  EXPECT_EQ(told(R"(geo.fields = ["city"])", geo.get(), kForged), "");
  EXPECT_EQ(told("geo = true", nullptr, kForged), "");  // no database
}

TEST(GeoFeature, EscapesWhatCannotStandInAField) {
  const auto geo =
      make_fixed_geo({.city = "Z\xc3\xbcrich\r\nset-cookie: a", .as_organization = " 100% \xff "});
  EXPECT_EQ(told("geo = true", geo.get()),
            "cusp-city=Z%C3%BCrich%0D%0Aset-cookie: a;cusp-as-organization=%20100%25 %FF%20;");
}

TEST(GeoFeature, SaysWhereTheClientIs) {
  TestEdge edge("geo = true");
  const auto geo = make_fixed_geo(kTokyo);
  edge.set_geo(geo.get());
  http::Request request{.method = "GET", .target = "/"};
  const Trail trail = edge.run(edge.pipeline().explain(request));
  EXPECT_NE(trail.steps[1].verdict.find("is in Tokyo, JP"), std::string::npos)
      << trail.steps[1].verdict;
}

TEST(GeoFeature, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(problem_of(R"(geo.fields = ["contry"])").find("did you mean 'country'"),
            std::string::npos);
  EXPECT_NE(problem_of("geo = {}").find("fields"), std::string::npos);
  EXPECT_NE(problem_of("geo = 7").find("table"), std::string::npos);
  EXPECT_NE(problem_of("geo = { field = [] }").find("did you mean 'fields'"), std::string::npos);
}

}  // namespace
}  // namespace cusp::edge
