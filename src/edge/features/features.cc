#include "edge/features/features.h"

#include <array>

#include "edge/plan.h"

namespace cusp::edge {

std::span<const FeatureKind> feature_kinds() {
  static constexpr std::array kKinds = std::to_array<FeatureKind>({
      {"trusted_proxies", read_trusted_proxies},
      {"budgets", read_budgets},
      {"error_pages", read_error_pages},
      {"acl", read_acl},
      {"maintenance", read_maintenance},
      {"cors", read_cors},
      {"redirects", read_redirects},
      {"rewrites", read_rewrites},
      {"rules", read_rules},
      {"geo", read_geo},
      {"challenge", read_challenge},
      {"rate_limit", read_rate_limit},
      {"signed_urls", read_signed_urls},
      {"api_keys", read_api_keys},
      {"basic_auth", read_basic_auth},
      {"jwt", read_jwt},
      {"oidc", read_oidc},
      {"headers", read_headers},
      {"shedding", read_shedding},
      {"cache", read_cache},
      {"compression", read_compression},
  });
  return kKinds;
}

}  // namespace cusp::edge
