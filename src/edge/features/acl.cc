#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "edge/address_set.h"
#include "edge/features/config_file.h"
#include "edge/features/features.h"

// acl = { allow = ["192.0.2.0/24", "DE", "AS64500"], deny_files = ["blocked.txt"], status = 403 }
namespace cusp::edge {

namespace {

constexpr size_t kListBytesMax = 16 * 1024 * 1024;
constexpr size_t kProblemsShown = 5;
constexpr uint16_t kStatusDefault = 403;

// Addresses, countries and networks, in the order in which they are asked: the cheapest first.
struct ClientList {
  AddressSet addresses;
  std::vector<std::string> countries;  // both sorted
  std::vector<uint32_t> networks;

  bool empty() const { return addresses.empty() && countries.empty() && networks.empty(); }

  // Why the client is on the list; nothing when it is not.
  std::optional<std::string_view> find(Exchange& exchange) const {
    if (addresses.contains(exchange.client.address)) return "address";
    if (countries.empty() && networks.empty()) return std::nullopt;
    const Place& place = exchange.place();
    if (std::ranges::binary_search(countries, place.country)) return "country";
    if (std::ranges::binary_search(networks, place.asn)) return "network";
    return std::nullopt;
  }
};

// Gathers the members of a list, from the manifest and from files.
class ListBuilder {
 public:
  // Errors: kInvalidArgument for what is none of the three.
  Result<> add(std::string_view text) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() == 2 && std::ranges::all_of(text, is_upper)) {
      countries_.emplace_back(text);
      return {};
    }
    if (text.starts_with("AS")) return add_network(text);
    auto block = parse_block_or_address(text);
    if (block) blocks_.push_back(*block);
    if (block) return {};
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is no address, no block such as \"192.0.2.0/24\", no country such "
                    "as \"DE\" and no network such as \"AS64500\"",
                    text));
  }

  ClientList build() {
    std::ranges::sort(countries_);
    std::ranges::sort(networks_);
    return {AddressSet(blocks_), std::move(countries_), std::move(networks_)};
  }

 private:
  Result<> add_network(std::string_view text) {
    uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [parsed, status] = std::from_chars(text.data() + 2, end, number);
    if (status != std::errc{} || parsed != end || number == 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is not a network such as \"AS64500\"", text));
    }
    networks_.push_back(number);
    return {};
  }

  std::vector<AddressBlock> blocks_;
  std::vector<std::string> countries_;
  std::vector<uint32_t> networks_;
};

class Acl final : public Feature {
 public:
  Acl(ClientList allow, ClientList deny, uint16_t status)
      : allow_(std::move(allow)), deny_(std::move(deny)), status_(status) {}

  Phase phase() const override { return Phase::kAdmit; }

  Outcome act(Exchange& exchange) const override {
    if (const auto why = deny_.find(exchange)) {
      exchange.explain([&] { return fmt::format("the client's {} is denied", *why); });
      return http::text_response(status_, "Forbidden\n");
    }
    if (allow_.empty()) return Continue{};
    if (const auto why = allow_.find(exchange)) {
      exchange.explain([&] { return fmt::format("the client's {} is allowed", *why); });
      return Continue{};
    }
    exchange.explain([] { return "the client is not on the list of the allowed"; });
    return http::text_response(status_, "Forbidden\n");
  }

 private:
  const ClientList allow_, deny_;
  const uint16_t status_;
};

void read_list_file(const Value& value, const FeatureContext& context, ListBuilder& list) {
  const auto text = read_config_file(value, context, kListBytesMax);
  if (!text) return;
  std::string problems;
  size_t count = 0;
  for (const ConfigLine& line : list_lines(*text)) {
    const auto added = list.add(line.text);
    if (added || ++count > kProblemsShown) continue;
    problems += fmt::format("{}{}:{}: {}", count > 1 ? "; " : "", *value.string(), line.number,
                            added.error().message);
  }
  if (count > kProblemsShown) problems += fmt::format("; and {} more", count - kProblemsShown);
  if (count > 0) value.error(problems);
}

// The members of `key`, and of the files that `key`_files names.
ClientList read_list(TableReader& table, const std::string& key, const FeatureContext& context) {
  ListBuilder list;
  if (const auto members = table.value(key)) {
    for (const Value& member : members->elements()) {
      const auto text = member.string();
      if (!text) continue;
      if (const auto added = list.add(*text); !added) member.error(added.error().message);
    }
  }
  if (const auto files = table.value(key + "_files")) {
    for (const Value& file : files->elements()) read_list_file(file, context, list);
  }
  return list.build();
}

}  // namespace

std::unique_ptr<Feature> read_acl(const Value& value, const FeatureContext& context) {
  auto table = value.table();
  if (!table) return nullptr;
  // An empty list of the allowed, such as a file without lines, lets nobody in by mistake if it is
  // taken for "no list": it is refused below.
  const bool has_allow = table->has("allow") || table->has("allow_files");
  ClientList allow = read_list(*table, "allow", context);
  ClientList deny = read_list(*table, "deny", context);
  const auto status = table->integer("status", 400, 499).value_or(kStatusDefault);
  table->finish();
  if (has_allow && allow.empty()) value.error("'allow' has no members, and so allows nobody");
  if (allow.empty() && deny.empty()) value.error("'acl' needs 'allow' or 'deny', or their files");
  return std::make_unique<Acl>(std::move(allow), std::move(deny), static_cast<uint16_t>(status));
}

}  // namespace cusp::edge
