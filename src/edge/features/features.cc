#include "edge/features/features.h"

#include <array>

#include "edge/plan.h"

namespace cusp::edge {

std::span<const FeatureKind> feature_kinds() {
  static constexpr std::array kKinds = std::to_array<FeatureKind>({
      {"trusted_proxies", read_trusted_proxies},
      {"geo", read_geo},
      {"rate_limit", read_rate_limit},
      {"headers", read_headers},
      {"cache", read_cache},
  });
  return kKinds;
}

}  // namespace cusp::edge
