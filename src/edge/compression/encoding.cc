#include "edge/compression/encoding.h"

#include <algorithm>
#include <array>

#include "edge/cache/text.h"
#include "edge/negotiation.h"

namespace cusp::edge {

namespace {

using cache::equal_ignoring_case;
using cache::take_member;

constexpr std::array<std::string_view, 4> kTokens = {"identity", "gzip", "br", "zstd"};
constexpr size_t kMembersMax = 64;

// What the client says of each coding, in thousandths; -1: nothing.
struct Qualities {
  std::array<int, kTokens.size()> named{-1, -1, -1, -1};
  int others = -1;  // "*"

  void read(std::string_view member) {
    const std::string_view token = take_member(member, ';');
    const auto weight = weight_of(member);
    if (!weight) return;
    const int quality = *weight;
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

}  // namespace cusp::edge
