#pragma once

#include <array>
#include <memory>

#include "host/capability.h"

namespace cusp::host {

// The capabilities of cusp_operations.h, by the upper bits of their operations.
enum class CapabilityKind : uint8_t {
  kGeo = 1,
  kCache = 2,
  kRateLimit = 3,
  kKeyValue = 4,
  kSql = 5,
  kRedis = 6,
  kObjectStore = 7,
  kSockets = 8,
};
inline constexpr size_t kCapabilityKinds = 9;

// What a component was granted. Filled when its application is loaded, thread-safe from then on.
class Capabilities {
 public:
  // `capability` may serve other components of the application too.
  void grant(CapabilityKind kind, std::shared_ptr<Capability> capability);

  // Has the call answered by the capability that its operation belongs to. Where that was not
  // granted the call fails with kDenied, and says what would grant it.
  void call(const engine::Arguments& arguments, const Caller& caller, engine::Call call) const;

 private:
  std::array<std::shared_ptr<Capability>, kCapabilityKinds> granted_;  // shared by components
};

}  // namespace cusp::host
