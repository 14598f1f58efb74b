#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "edge/features/features.h"

// geo = true, or geo = { fields = ["country", "city"] }
namespace cusp::edge {

namespace {

// Bytes that a field's value may hold without a doubt; a "%" is escaped too, so that it decodes.
std::string escape(std::string_view text) {
  std::string escaped;
  for (const unsigned char c : text) {
    const bool plain = c > ' ' && c < 0x7f && c != '%';
    const bool inner_space = c == ' ' && !escaped.empty();
    escaped +=
        plain || inner_space ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  if (escaped.ends_with(' ')) escaped.replace(escaped.size() - 1, 1, "%20");
  return escaped;
}

std::string coordinate(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "";
}

struct PlaceField {
  std::string_view name;   // in the configuration
  std::string_view field;  // of the request
  std::string (*value)(const Place& place);
};

constexpr auto kFields = std::to_array<PlaceField>({
    {"country", "cusp-country", [](const Place& place) { return place.country; }},
    {"continent", "cusp-continent", [](const Place& place) { return place.continent; }},
    {"region", "cusp-region", [](const Place& place) { return place.region; }},
    {"city", "cusp-city", [](const Place& place) { return place.city; }},
    {"timezone", "cusp-timezone", [](const Place& place) { return place.timezone; }},
    {"latitude", "cusp-latitude", [](const Place& place) { return coordinate(place.latitude); }},
    {"longitude", "cusp-longitude", [](const Place& place) { return coordinate(place.longitude); }},
    {"asn", "cusp-asn",
     [](const Place& place) { return place.asn == 0 ? "" : fmt::format("{}", place.asn); }},
    {"as_organization", "cusp-as-organization",
     [](const Place& place) { return place.as_organization; }},
});

class GeoFeature final : public Feature {
 public:
  explicit GeoFeature(std::vector<PlaceField> told) : told_(std::move(told)) {}

  Phase phase() const override { return Phase::kIdentify; }

  Outcome act(Exchange& exchange) const override {
    // All of them, told or not: who reads one must be able to rely on it.
    for (const PlaceField& known : kFields) exchange.request.fields.remove(known.field);
    const Place& place = exchange.place();
    for (const PlaceField& known : told_) {
      if (const auto value = known.value(place); !value.empty()) {
        exchange.request.fields.add(known.field, escape(value));
      }
    }
    exchange.explain([&] {
      if (place.country.empty()) return fmt::format("{} is nowhere", exchange.client.address);
      return fmt::format("{} is in {}{}{}", exchange.client.address, escape(place.city),
                         place.city.empty() ? "" : ", ", place.country);
    });
    return Continue{};
  }

 private:
  const std::vector<PlaceField> told_;
};

}  // namespace

std::unique_ptr<Feature> read_geo(const Value& value, const FeatureContext&) {
  if (value.is_boolean()) {
    return std::make_unique<GeoFeature>(std::vector<PlaceField>(kFields.begin(), kFields.end()));
  }
  auto table = value.table("the table 'geo'");
  if (!table) return nullptr;
  std::vector<PlaceField> told;
  const auto fields = table->value("fields");
  if (!fields) table->error("'geo' needs the key 'fields', or is true for all of them");
  for (const auto& name : fields ? fields->strings() : std::vector<std::string>()) {
    const auto found = std::ranges::find(kFields, name, &PlaceField::name);
    if (found != kFields.end()) {
      told.push_back(*found);
      continue;
    }
    std::vector<std::string> names;
    for (const PlaceField& known : kFields) names.emplace_back(known.name);
    fields->error(
        fmt::format("'{}' is nothing that is known of a place{}", name, suggest(name, names)));
  }
  table->finish();
  return std::make_unique<GeoFeature>(std::move(told));
}

}  // namespace cusp::edge
