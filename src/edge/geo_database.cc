#include "edge/geo_database.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/address.h"

namespace cusp::edge {

namespace {

constexpr size_t kTextBytesMax = 256;  // of a name in a record

// A chain of keys into a record; a number, as text, picks an element of an array.
using Path = std::initializer_list<const char*>;

// An open file.
class Database {
 public:
  static Result<Database> open(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      return fail(ErrorCode::kNotFound, "there is no such geo database", path);
    }
    auto handle = std::make_unique<MMDB_s>();
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, handle.get());
    if (status != MMDB_SUCCESS) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("this is no database in the MaxMind format: {}", MMDB_strerror(status)),
          path);
    }
    return Database(std::move(handle));
  }

  // Nothing: no record for the address.
  std::optional<MMDB_entry_s> find(const Address& address) const {
    sockaddr_storage storage{};
    static const AddressBlock kIpv4 = *parse_address_block("0.0.0.0/0");
    if (kIpv4.contains(address)) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
      v4.sin_family = AF_INET;
      std::memcpy(&v4.sin_addr, address.data() + 12, 4);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
      v6.sin6_family = AF_INET6;
      std::memcpy(&v6.sin6_addr, address.data(), address.size());
    }
    int error = MMDB_SUCCESS;
    const auto result =
        MMDB_lookup_sockaddr(handle_.get(), reinterpret_cast<const sockaddr*>(&storage), &error);
    if (error != MMDB_SUCCESS || !result.found_entry) return std::nullopt;
    return result.entry;
  }

 private:
  struct Close {
    void operator()(MMDB_s* handle) const {
      MMDB_close(handle);
      delete handle;
    }
  };
  explicit Database(std::unique_ptr<MMDB_s> handle) : handle_(handle.release()) {}

  std::unique_ptr<MMDB_s, Close> handle_;
};

std::optional<MMDB_entry_data_s> value_at(MMDB_entry_s entry, Path path) {
  std::array<const char*, 5> keys{};
  std::ranges::copy(path, keys.begin());
  MMDB_entry_data_s data{};
  const int status = MMDB_aget_value(&entry, &data, keys.data());
  if (status != MMDB_SUCCESS || !data.has_data) return std::nullopt;
  return data;
}

// Takes the first of `paths` that leads to a text.
void read_text(MMDB_entry_s entry, std::initializer_list<Path> paths, std::string& target) {
  for (const Path& path : paths) {
    const auto data = value_at(entry, path);
    if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size == 0) continue;
    target.assign(data->utf8_string, std::min<size_t>(data->data_size, kTextBytesMax));
    return;
  }
}

void read_coordinate(MMDB_entry_s entry, std::initializer_list<Path> paths,
                     std::optional<double>& target) {
  for (const Path& path : paths) {
    const auto data = value_at(entry, path);
    if (!data) continue;
    if (data->type == MMDB_DATA_TYPE_DOUBLE) target = data->double_value;
    if (data->type == MMDB_DATA_TYPE_FLOAT) target = data->float_value;
    return;
  }
}

void read_number(MMDB_entry_s entry, Path path, uint32_t& target) {
  const auto data = value_at(entry, path);
  if (!data) return;
  if (data->type == MMDB_DATA_TYPE_UINT32) target = data->uint32;
  if (data->type == MMDB_DATA_TYPE_UINT16) target = data->uint16;
}

// What a record of any kind tells, in either layout.
void read_place(MMDB_entry_s entry, Place& place) {
  read_text(entry, {{"country", "iso_code"}, {"country_code"}}, place.country);
  read_text(entry, {{"continent", "code"}}, place.continent);
  read_text(entry, {{"subdivisions", "0", "iso_code"}}, place.region);
  read_text(entry, {{"city", "names", "en"}, {"city"}}, place.city);
  read_text(entry, {{"location", "time_zone"}, {"timezone"}}, place.timezone);
  read_coordinate(entry, {{"location", "latitude"}, {"latitude"}}, place.latitude);
  read_coordinate(entry, {{"location", "longitude"}, {"longitude"}}, place.longitude);
  read_number(entry, {"autonomous_system_number"}, place.asn);
  read_text(entry, {{"autonomous_system_organization"}}, place.as_organization);
}

class DatabaseGeo final : public Geo {
 public:
  explicit DatabaseGeo(std::vector<Database> databases) : databases_(std::move(databases)) {}

  Place find(std::string_view text) const override {
    Place place;
    const auto address = parse_address(text);
    if (!address) return place;
    for (const Database& database : databases_) {
      if (const auto entry = database.find(*address)) read_place(*entry, place);
    }
    if (place.continent.empty()) place.continent = continent_of(place.country);
    return place;
  }

 private:
  const std::vector<Database> databases_;  // a later one wins
};

class FixedGeo final : public Geo {
 public:
  explicit FixedGeo(Place place) : place_(std::move(place)) {}
  Place find(std::string_view) const override { return place_; }

 private:
  const Place place_;
};

struct Continent {
  std::string_view code;
  std::string_view countries;
};

// ISO 3166-1, by the continents of UN M49; Antarctica with its islands.
constexpr Continent kContinents[] = {
    {"AF",
     "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML "
     "MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"},
    {"AN", "AQ BV GS HM TF"},
    {"AS",
     "AE AF AM AZ BD BH BN BT CC CN CX CY GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK "
     "MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE"},
    {"EU",
     "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU "
     "LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"},
    {"NA",
     "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA "
     "PM PR SV SX TC TT US VC VG VI"},
    {"OC", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS"},
    {"SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE"},
};

}  // namespace

std::string_view continent_of(std::string_view country) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (country.size() != 2 || !std::ranges::all_of(country, upper)) return {};
  for (const auto& [code, countries] : kContinents) {
    if (countries.find(country) != countries.npos) return code;
  }
  return {};
}

Result<std::unique_ptr<const Geo>> open_geo(const GeoFiles& files) {
  std::vector<Database> databases;
  for (const std::string* path : {&files.country, &files.city, &files.asn}) {
    if (path->empty()) continue;
    CUSP_TRY(Database database, Database::open(*path));
    databases.push_back(std::move(database));
  }
  return std::make_unique<const DatabaseGeo>(std::move(databases));
}

std::unique_ptr<const Geo> make_fixed_geo(Place place) {
  return std::make_unique<const FixedGeo>(std::move(place));
}

}  // namespace cusp::edge
