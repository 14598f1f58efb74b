#include <charconv>

#include <fmt/format.h>

#include "edge/address_set.h"
#include "edge/features/features.h"
#include "edge/limits/connections.h"

// trusted_proxies = ["10.0.0.0/8"], or
// trusted_proxies = { from = ["10.0.0.0/8"], field = "forwarded" }
namespace cusp::edge {

namespace {

// Who a hop says that it got the request from.
struct Hop {
  Address address;
  std::string text;
  uint16_t port = 0;  // 0: it does not say
};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes what is behind the last `separator` off `text`, one within a quoted string aside.
std::string_view take_last(std::string_view& text, char separator) {
  bool quoted = false;
  for (size_t i = text.size(); i-- > 0;) {
    const bool escaped = i > 0 && text[i - 1] == '\\';
    if (text[i] == '"' && !escaped) quoted = !quoted;
    if (quoted || text[i] != separator) continue;
    const std::string_view last = text.substr(i + 1);
    text = text.substr(0, i);
    return trimmed(last);
  }
  return trimmed(std::exchange(text, {}));
}

// Reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" and "[2001:db8::1]:80". Nothing
// for "unknown", "_hidden" (RFC 7239 section 6) and garbage.
std::optional<Hop> parse_hop(std::string_view text) {
  std::string_view port;
  const size_t colon = text.rfind(':');
  const bool v6_without_brackets = colon != text.npos && text.find(':') != colon && text[0] != '[';
  if (colon != text.npos && !v6_without_brackets && !text.ends_with(']')) {
    port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto address = parse_address(text);
  if (!address || text.find('%') != text.npos || text.starts_with('[')) return std::nullopt;
  Hop hop{.address = *address, .text = std::string(text)};
  const char* end = port.data() + port.size();
  const auto [read, error] = std::from_chars(port.data(), end, hop.port);
  if (error != std::errc() || read != end) hop.port = 0;
  return hop;
}

// The parameter "for" of an element of Forwarded; empty: it has none, or two.
std::string forwarded_for(std::string_view element) {
  std::string found;
  size_t count = 0;
  while (!element.empty()) {
    const std::string_view pair = take_last(element, ';');
    const size_t equals = pair.find('=');
    if (equals != 3 || (pair[0] | 0x20) != 'f' || (pair[1] | 0x20) != 'o' ||
        (pair[2] | 0x20) != 'r') {
      continue;
    }
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    found = value;
    ++count;
  }
  return count == 1 ? found : "";
}

class TrustedProxies final : public Feature {
 public:
  TrustedProxies(AddressSet proxies, bool standard)
      : proxies_(std::move(proxies)), standard_(standard) {}

  Phase phase() const override { return Phase::kAdmit; }

  // From the right, where the proxy next to us has written: each trusted one vouches for what is to
  // its left, up to the first address that is not one of ours. Whatever is left of that may be
  // forged.
  Outcome act(Exchange& exchange) const override {
    if (!proxies_.contains(exchange.client.address)) return Continue{};
    const auto field = exchange.request.fields.get_all(standard_ ? "forwarded" : "x-forwarded-for");
    std::string_view rest = field ? std::string_view(*field) : std::string_view();
    while (!rest.empty()) {
      const std::string_view element = take_last(rest, ',');
      const auto hop = parse_hop(standard_ ? forwarded_for(element) : std::string(element));
      if (!hop) break;
      exchange.client.address = hop->text;
      exchange.client.port = hop->port;
      if (!proxies_.contains(hop->address)) break;
    }
    exchange.explain([&] { return fmt::format("the client is {}", exchange.client.address); });
    return Continue{};
  }

 private:
  const AddressSet proxies_;
  const bool standard_;  // Forwarded (RFC 7239), else X-Forwarded-For
};

std::vector<AddressBlock> read_blocks(const Value& value) {
  std::vector<AddressBlock> blocks;
  for (const std::string& text : value.strings()) {
    if (const auto block = parse_block_or_address(text)) {
      blocks.push_back(*block);
    } else {
      value.error(block.error().message);
    }
  }
  if (blocks.empty()) value.error("'trusted_proxies' needs an address or a CIDR block");
  return blocks;
}

}  // namespace

std::unique_ptr<Feature> read_trusted_proxies(const Value& value, const FeatureContext& context) {
  if (!context.app.empty()) {
    value.error(
        "'trusted_proxies' belongs into the node's [edge]: who asks is known before the app is");
    return nullptr;
  }
  std::vector<AddressBlock> blocks;
  bool standard = false;
  if (value.is_array()) {
    blocks = read_blocks(value);
  } else {
    auto table = value.table("the table 'trusted_proxies'");
    if (!table) return nullptr;
    if (const auto from = table->value("from")) {
      blocks = read_blocks(*from);
    } else {
      table->error("'trusted_proxies' needs the key 'from', a list of addresses or CIDR blocks");
    }
    if (const auto field = table->value("field")) {
      const std::string name = field->string().value_or("x-forwarded-for");
      standard = name == "forwarded";
      if (!standard && name != "x-forwarded-for") {
        field->error("'field' is \"forwarded\" or \"x-forwarded-for\"");
      }
    }
    table->finish();
  }
  if (context.connections != nullptr) context.connections->exempt = blocks;
  return std::make_unique<TrustedProxies>(AddressSet(blocks), standard);
}

}  // namespace cusp::edge
