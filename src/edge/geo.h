#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cusp::edge {

// Where a client is and whose network it uses, as far as the operator's databases know. Empty
// members: not known.
struct Place {
  std::string continent;  // "EU"
  std::string country;    // ISO 3166-1 alpha-2: "DE"
  std::string region;     // ISO 3166-2 without the country: "BE"
  std::string city;       // its English name
  std::string timezone;   // "Europe/Berlin"
  std::optional<double> latitude, longitude;
  uint32_t asn = 0;             // autonomous system number; 0: not known
  std::string as_organization;  // "Example Telecom"
};

// Looks addresses up. Immutable and thread-safe; shared by all shards.
class Geo {
 public:
  virtual ~Geo() = default;

  // `address` is "192.0.2.1" or "2001:db8::1"; anything else is nowhere. Costs about a microsecond.
  virtual Place find(std::string_view address) const = 0;
};

}  // namespace cusp::edge
