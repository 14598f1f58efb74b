// Tokens and key sets as clients and issuers send them: whatever they hold, they are read or
// refused, and no token passes that nobody signed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "edge/auth/credentials.h"
#include "edge/auth/jwt.h"

namespace edge = cusp::edge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto secret = edge::Key::from_secret("a secret that no input can know, is it");
  if (const auto token = edge::parse_token(text)) {
    if (edge::verify_signature(*token, {&*secret, 1})) std::abort();
    const edge::TokenRules rules{.algorithms = {token->algorithm}, .needs_expiry = false};
    const auto claims = edge::check_claims(*token, rules, {});
    if (claims) {
      for (const auto& [name, _] : claims->items()) {
        edge::claim_text(*edge::find_claim(*claims, name));
      }
    }
  }
  if (const auto keys = edge::parse_key_set(text)) {
    for (const edge::Key& key : *keys) key.verify(edge::Algorithm::kRs256, text, text);
  }
  edge::find_parameter(edge::without_parameter(text, "a"), "b");
  return 0;
}
