#include "node/places.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/address.h"
#include "base/suggest.h"
#include "edge/geo_database.h"

namespace cusp::node {

namespace {

struct City {
  std::string_view name, country, region, timezone;
  double latitude, longitude;
};

// A few of each part of the world, to try an application with.
constexpr City kCities[] = {
    {"Accra", "GH", "AA", "Africa/Accra", 5.6037, -0.1870},
    {"Amsterdam", "NL", "NH", "Europe/Amsterdam", 52.3676, 4.9041},
    {"Athens", "GR", "I", "Europe/Athens", 37.9838, 23.7275},
    {"Atlanta", "US", "GA", "America/New_York", 33.7490, -84.3880},
    {"Auckland", "NZ", "AUK", "Pacific/Auckland", -36.8509, 174.7645},
    {"Bangkok", "TH", "10", "Asia/Bangkok", 13.7563, 100.5018},
    {"Barcelona", "ES", "CT", "Europe/Madrid", 41.3874, 2.1686},
    {"Beijing", "CN", "BJ", "Asia/Shanghai", 39.9042, 116.4074},
    {"Berlin", "DE", "BE", "Europe/Berlin", 52.5200, 13.4050},
    {"Bogota", "CO", "DC", "America/Bogota", 4.7110, -74.0721},
    {"Brussels", "BE", "BRU", "Europe/Brussels", 50.8503, 4.3517},
    {"Bucharest", "RO", "B", "Europe/Bucharest", 44.4268, 26.1025},
    {"Budapest", "HU", "BU", "Europe/Budapest", 47.4979, 19.0402},
    {"Buenos Aires", "AR", "C", "America/Argentina/Buenos_Aires", -34.6037, -58.3816},
    {"Cairo", "EG", "C", "Africa/Cairo", 30.0444, 31.2357},
    {"Cape Town", "ZA", "WC", "Africa/Johannesburg", -33.9249, 18.4241},
    {"Chicago", "US", "IL", "America/Chicago", 41.8781, -87.6298},
    {"Copenhagen", "DK", "84", "Europe/Copenhagen", 55.6761, 12.5683},
    {"Dallas", "US", "TX", "America/Chicago", 32.7767, -96.7970},
    {"Denver", "US", "CO", "America/Denver", 39.7392, -104.9903},
    {"Dubai", "AE", "DU", "Asia/Dubai", 25.2048, 55.2708},
    {"Dublin", "IE", "D", "Europe/Dublin", 53.3498, -6.2603},
    {"Frankfurt", "DE", "HE", "Europe/Berlin", 50.1109, 8.6821},
    {"Geneva", "CH", "GE", "Europe/Zurich", 46.2044, 6.1432},
    {"Hamburg", "DE", "HH", "Europe/Berlin", 53.5511, 9.9937},
    {"Helsinki", "FI", "18", "Europe/Helsinki", 60.1699, 24.9384},
    {"Hong Kong", "HK", "", "Asia/Hong_Kong", 22.3193, 114.1694},
    {"Istanbul", "TR", "34", "Europe/Istanbul", 41.0082, 28.9784},
    {"Jakarta", "ID", "JK", "Asia/Jakarta", -6.2088, 106.8456},
    {"Johannesburg", "ZA", "GP", "Africa/Johannesburg", -26.2041, 28.0473},
    {"Kyiv", "UA", "30", "Europe/Kyiv", 50.4501, 30.5234},
    {"Lagos", "NG", "LA", "Africa/Lagos", 6.5244, 3.3792},
    {"Lima", "PE", "LMA", "America/Lima", -12.0464, -77.0428},
    {"Lisbon", "PT", "11", "Europe/Lisbon", 38.7223, -9.1393},
    {"London", "GB", "ENG", "Europe/London", 51.5072, -0.1276},
    {"Los Angeles", "US", "CA", "America/Los_Angeles", 34.0522, -118.2437},
    {"Madrid", "ES", "MD", "Europe/Madrid", 40.4168, -3.7038},
    {"Manila", "PH", "00", "Asia/Manila", 14.5995, 120.9842},
    {"Melbourne", "AU", "VIC", "Australia/Melbourne", -37.8136, 144.9631},
    {"Mexico City", "MX", "CMX", "America/Mexico_City", 19.4326, -99.1332},
    {"Miami", "US", "FL", "America/New_York", 25.7617, -80.1918},
    {"Milan", "IT", "25", "Europe/Rome", 45.4642, 9.1900},
    {"Montreal", "CA", "QC", "America/Toronto", 45.5019, -73.5674},
    {"Mumbai", "IN", "MH", "Asia/Kolkata", 19.0760, 72.8777},
    {"Munich", "DE", "BY", "Europe/Berlin", 48.1351, 11.5820},
    {"Nairobi", "KE", "30", "Africa/Nairobi", -1.2921, 36.8219},
    {"New Delhi", "IN", "DL", "Asia/Kolkata", 28.6139, 77.2090},
    {"New York", "US", "NY", "America/New_York", 40.7128, -74.0060},
    {"Osaka", "JP", "27", "Asia/Tokyo", 34.6937, 135.5023},
    {"Oslo", "NO", "03", "Europe/Oslo", 59.9139, 10.7522},
    {"Paris", "FR", "IDF", "Europe/Paris", 48.8566, 2.3522},
    {"Prague", "CZ", "10", "Europe/Prague", 50.0755, 14.4378},
    {"Rome", "IT", "62", "Europe/Rome", 41.9028, 12.4964},
    {"San Francisco", "US", "CA", "America/Los_Angeles", 37.7749, -122.4194},
    {"Santiago", "CL", "RM", "America/Santiago", -33.4489, -70.6693},
    {"Sao Paulo", "BR", "SP", "America/Sao_Paulo", -23.5558, -46.6396},
    {"Seattle", "US", "WA", "America/Los_Angeles", 47.6062, -122.3321},
    {"Seoul", "KR", "11", "Asia/Seoul", 37.5665, 126.9780},
    {"Shanghai", "CN", "SH", "Asia/Shanghai", 31.2304, 121.4737},
    {"Singapore", "SG", "", "Asia/Singapore", 1.3521, 103.8198},
    {"Stockholm", "SE", "AB", "Europe/Stockholm", 59.3293, 18.0686},
    {"Sydney", "AU", "NSW", "Australia/Sydney", -33.8688, 151.2093},
    {"Taipei", "TW", "TPE", "Asia/Taipei", 25.0330, 121.5654},
    {"Tel Aviv", "IL", "TA", "Asia/Jerusalem", 32.0853, 34.7818},
    {"Tokyo", "JP", "13", "Asia/Tokyo", 35.6897, 139.6922},
    {"Toronto", "CA", "ON", "America/Toronto", 43.6532, -79.3832},
    {"Vienna", "AT", "9", "Europe/Vienna", 48.2082, 16.3738},
    {"Warsaw", "PL", "14", "Europe/Warsaw", 52.2297, 21.0122},
    {"Zurich", "CH", "ZH", "Europe/Zurich", 47.3769, 8.5417},
};

// "New York", "new-york" and "newyork" are one name.
std::string folded(std::string_view name) {
  std::string result;
  for (const unsigned char c : name) {
    if (c != ' ' && c != '-' && c != '_') result += static_cast<char>(std::tolower(c));
  }
  return result;
}

}  // namespace

Result<edge::Place> find_place(std::string_view text, const edge::Geo* geo) {
  const std::string name = folded(text);
  for (const City& city : kCities) {
    if (folded(city.name) != name) continue;
    return edge::Place{.continent = std::string(edge::continent_of(city.country)),
                       .country = std::string(city.country),
                       .region = std::string(city.region),
                       .city = std::string(city.name),
                       .timezone = std::string(city.timezone),
                       .latitude = city.latitude,
                       .longitude = city.longitude};
  }
  std::string country(text);
  std::ranges::transform(country, country.begin(), [](unsigned char c) { return std::toupper(c); });
  if (const auto continent = edge::continent_of(country); !continent.empty()) {
    return edge::Place{.continent = std::string(continent), .country = std::move(country)};
  }
  if (parse_address(text)) {
    edge::Place place = geo == nullptr ? edge::Place() : geo->find(text);
    if (!place.country.empty() || place.asn != 0) return place;
    return fail(ErrorCode::kNotFound,
                fmt::format("no geo database knows where {} is; docs/operations/node-config.md, "
                            "section [geo], tells where they are looked for",
                            text));
  }
  std::vector<std::string> names;
  for (const City& city : kCities) names.push_back(folded(city.name));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no city of the table, no country such as JP and no address{}",
                          text, suggest(name, names)));
}

}  // namespace cusp::node
