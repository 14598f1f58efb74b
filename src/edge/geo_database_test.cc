#include "edge/geo_database.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "edge/test_geo_database.h"

namespace cusp::edge {
namespace {

using testing::GeoDatabaseWriter;
using testing::GeoValue;
class GeoDatabase : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "geo-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(write_file(path, bytes));
    return path;
  }
  std::unique_ptr<const Geo> open(const GeoFiles& files) {
    auto geo = open_geo(files);
    EXPECT_TRUE(geo) << geo.error().to_string();
    return geo ? std::move(*geo) : nullptr;
  }

  std::string folder_;
};

GeoDatabaseWriter city_database() {
  GeoDatabaseWriter writer;
  const auto berlin = GeoValue::parse(R"({
    "city": {"names": {"de": "Berlin-DE", "en": "Berlin"}},
    "continent": {"code": "EU"},
    "country": {"iso_code": "DE"},
    "location": {"latitude": 52.5, "longitude": 13.4, "time_zone": "Europe/Berlin"},
    "subdivisions": [{"iso_code": "BE"}]})");
  writer.add("192.0.2.0/24", berlin);
  writer.add("2001:db8::/32", berlin);
  return writer;
}

TEST_F(GeoDatabase, ReadsRecordsAsMaxMindLaysThemOut) {
  const auto geo = open({.city = write("city.mmdb", city_database().text())});
  for (const char* address : {"192.0.2.77", "2001:db8:1::1", "::ffff:192.0.2.1"}) {
    const Place place = geo->find(address);
    EXPECT_EQ(place.country, "DE") << address;
    EXPECT_EQ(place.continent, "EU");
    EXPECT_EQ(place.region, "BE");
    EXPECT_EQ(place.city, "Berlin");
    EXPECT_EQ(place.timezone, "Europe/Berlin");
    EXPECT_EQ(place.latitude, 52.5);
    EXPECT_EQ(place.longitude, 13.4);
    EXPECT_EQ(place.asn, 0u);
  }
}

TEST_F(GeoDatabase, ReadsFlatRecordsAndKnowsTheirContinent) {
  GeoDatabaseWriter writer;
  writer.add("198.51.100.0/24", GeoValue::parse(R"({
    "city": "Osaka", "country_code": "JP", "latitude": 34.7, "timezone": "Asia/Tokyo"})"));
  const Place place = open({.country = write("flat.mmdb", writer.text())})->find("198.51.100.255");
  EXPECT_EQ(place.country, "JP");
  EXPECT_EQ(place.continent, "AS");
  EXPECT_EQ(place.city, "Osaka");
  EXPECT_EQ(place.timezone, "Asia/Tokyo");
  EXPECT_EQ(place.latitude, 34.7);
  EXPECT_FALSE(place.longitude);
}

TEST_F(GeoDatabase, JoinsWhatSeveralDatabasesKnow) {
  GeoDatabaseWriter country, asn;
  country.add("192.0.2.0/24", {{"country_code", "FR"}});
  country.add("203.0.113.0/24", {{"country_code", "FR"}});
  asn.add("192.0.2.0/24", {{"autonomous_system_number", 64500},
                           {"autonomous_system_organization", "Example Telecom"}});
  const auto geo = open({.country = write("country.mmdb", country.text()),
                         .city = write("city.mmdb", city_database().text()),
                         .asn = write("asn.mmdb", asn.text())});
  const Place both = geo->find("192.0.2.1");
  EXPECT_EQ(both.country, "DE");  // the city's database is the more exact one
  EXPECT_EQ(both.asn, 64500u);
  EXPECT_EQ(both.as_organization, "Example Telecom");
  EXPECT_EQ(geo->find("203.0.113.9").country, "FR");
}

TEST_F(GeoDatabase, IsNowhereForWhatItDoesNotKnow) {
  const auto geo = open({.city = write("city.mmdb", city_database().text())});
  for (const char* address : {"10.0.0.1", "::1", "", "example.com", "192.0.2", "192.0.2.1:80",
                              "0300.0.2.1", "2001:db8::g", "192.0.2.1\n", "%eth0"}) {
    const Place place = geo->find(address);
    EXPECT_EQ(place.country, "") << address;
    EXPECT_EQ(place.continent, "") << address;
  }
}

TEST_F(GeoDatabase, PassesOverRecordsOfAnotherShape) {
  GeoDatabaseWriter writer;
  writer.add("192.0.2.0/32", "DE");
  writer.add("192.0.2.1/32", {{"country", "DE"}});
  writer.add("192.0.2.2/32", GeoValue::parse(R"({"country": ["DE"]})"));
  writer.add("192.0.2.3/32", {{"country_code", 1.5}, {"latitude", "north"}});
  writer.add("192.0.2.4/32", {{"autonomous_system_number", "64500"}});
  const auto geo = open({.country = write("odd.mmdb", writer.text())});
  for (int i = 0; i < 5; ++i) {
    const Place place = geo->find("192.0.2." + std::to_string(i));
    EXPECT_EQ(place.country, "") << i;
    EXPECT_FALSE(place.latitude) << i;
    EXPECT_EQ(place.asn, 0u) << i;
  }
}

TEST_F(GeoDatabase, RefusesFilesThatAreNoDatabase) {
  const std::string good = city_database().text();
  for (const std::string& bytes : {std::string(), std::string("country,DE\n"), good.substr(0, 200),
                                   good.substr(0, good.size() - 30)}) {
    const auto geo = open_geo({.country = write("bad.mmdb", bytes)});
    ASSERT_FALSE(geo) << bytes.size();
    EXPECT_EQ(geo.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(geo.error().context.find("bad.mmdb"), std::string::npos);
  }
  const auto absent = open_geo({.country = folder_ + "/absent.mmdb"});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

TEST_F(GeoDatabase, SurvivesEverySpoiltByte) {
  const std::string good = city_database().text();
  for (size_t at = 0; at < good.size(); at += 3) {
    std::string spoilt = good;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x5d);
    const auto geo = open_geo({.city = write("spoilt.mmdb", spoilt)});
    if (geo) (*geo)->find("192.0.2.1");  // anything, but within the file
  }
}

TEST(Continents, AreKnownForCountries) {
  EXPECT_EQ(continent_of("DE"), "EU");
  EXPECT_EQ(continent_of("US"), "NA");
  EXPECT_EQ(continent_of("ZW"), "AF");
  for (const char* text : {"", "D", "de", "ZZ", "D ", "E D", "DEU"}) {
    EXPECT_EQ(continent_of(text), "") << text;
  }
}

TEST(FixedGeo, IsTheSamePlaceForEveryAddress) {
  const auto geo = make_fixed_geo({.country = "JP", .city = "Tokyo"});
  EXPECT_EQ(geo->find("127.0.0.1").city, "Tokyo");
  EXPECT_EQ(geo->find("nowhere").country, "JP");
}

}  // namespace
}  // namespace cusp::edge
