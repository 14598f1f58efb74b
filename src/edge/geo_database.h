#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "edge/geo.h"

namespace cusp::edge {

// Databases in the MaxMind format (.mmdb), with records as MaxMind lays them out ("country",
// "iso_code") or flat as ip-location-db does ("country_code"). Empty: there is none. Where several
// know the same thing, that of the city counts.
struct GeoFiles {
  std::string country, city, asn;

  bool empty() const { return country.empty() && city.empty() && asn.empty(); }
};

// Maps the files into memory: replace one by renaming another over it, never by writing into it.
// Errors: kNotFound, kInvalidArgument for what is no such database, each with the path as context.
Result<std::unique_ptr<const Geo>> open_geo(const GeoFiles& files);

// Finds the same place for every address: where `cusp dev --from` pretends clients to be.
std::unique_ptr<const Geo> make_fixed_geo(Place place);

// "EU" for "DE"; empty for what is no ISO 3166-1 alpha-2 code.
std::string_view continent_of(std::string_view country);

}  // namespace cusp::edge
