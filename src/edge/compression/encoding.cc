#include "edge/compression/encoding.h"

#include <algorithm>
#include <array>

#include "edge/cache/text.h"

namespace cusp::edge {

namespace {

using cache::equal_ignoring_case;
using cache::take_member;

constexpr std::array<std::string_view, 4> kTokens = {"identity", "gzip", "br", "zstd"};
constexpr int kQualityMax = 1000;
constexpr size_t kMembersMax = 64;

// "0.25" in thousandths (RFC 9110 section 12.4.2); nothing when it is malformed.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int quality = (text[0] - '0') * kQualityMax;
  int unit = kQualityMax / 10;
  for (const char digit : text.substr(std::min<size_t>(text.size(), 2))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    quality += (digit - '0') * unit;
    unit /= 10;
  }
  return quality <= kQualityMax ? std::optional(quality) : std::nullopt;
}

// What the client says of each coding, in thousandths; -1: nothing.
struct Qualities {
  std::array<int, kTokens.size()> named{-1, -1, -1, -1};
  int others = -1;  // "*"

  void read(std::string_view member) {
    const std::string_view token = take_member(member, ';');
    int quality = kQualityMax;
    if (!member.empty()) {
      const std::string_view weight = cache::trim(member);
      if (!equal_ignoring_case(weight.substr(0, 2), "q=")) return;
      const auto parsed = parse_quality(weight.substr(2));
      if (!parsed) return;
      quality = *parsed;
    }
    if (token == "*") others = quality;
    if (const auto encoding = encoding_of(token)) named[static_cast<size_t>(*encoding)] = quality;
  }

  int of(Encoding encoding) const {
    const int own = named[static_cast<size_t>(encoding)];
    if (own >= 0) return own;
    // The plain bytes are fine when nothing is said of them, and liked less than all else.
    if (encoding == Encoding::kIdentity) return 0;
    return std::max(others, 0);
  }
};

}  // namespace

std::string_view to_string(Encoding encoding) { return kTokens[static_cast<size_t>(encoding)]; }

std::optional<Encoding> encoding_of(std::string_view token) {
  if (equal_ignoring_case(token, "x-gzip")) return Encoding::kGzip;
  for (size_t i = 0; i < kTokens.size(); ++i) {
    if (equal_ignoring_case(token, kTokens[i])) return static_cast<Encoding>(i);
  }
  return std::nullopt;
}

Encoding negotiate(const std::optional<std::string>& accept, std::span<const Encoding> offered) {
  if (!accept) return Encoding::kIdentity;
  Qualities qualities;
  std::string_view list = *accept;
  for (size_t i = 0; i < kMembersMax && !list.empty(); ++i) qualities.read(take_member(list));
  Encoding best = Encoding::kIdentity;
  int quality = qualities.of(best);
  for (const Encoding encoding : offered) {
    const int own = qualities.of(encoding);
    // As good as the plain bytes is good enough: fewer bytes are why the client asks.
    const bool better = own > quality || (own == quality && best == Encoding::kIdentity);
    if (own > 0 && better) {
      best = encoding;
      quality = own;
    }
  }
  return best;
}

void add_vary(http::Fields& fields, std::string_view name) {
  const auto all = fields.get_all("vary");
  std::string_view list = all ? std::string_view(*all) : std::string_view();
  while (!list.empty()) {
    const std::string_view member = take_member(list);
    if (member == "*" || equal_ignoring_case(member, name)) return;
  }
  fields.add("vary", name);
}

}  // namespace cusp::edge
