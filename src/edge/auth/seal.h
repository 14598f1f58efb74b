#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cusp::edge {

// Texts that clients keep for us and can neither read nor change: AES-256-GCM (NIST SP 800-38D)
// with a fresh random nonce, in base64url. Immutable; thread-safe.
class Sealer {
 public:
  // The first secret seals; all of them open, so that one can take the place of another. At least
  // one.
  explicit Sealer(const std::vector<std::string>& secrets);

  // `purpose` is part of the seal: what was sealed for one opens for no other.
  std::string seal(std::string_view text, std::string_view purpose) const;
  // Nothing for what was not sealed here.
  std::optional<std::string> open(std::string_view sealed, std::string_view purpose) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace cusp::edge
