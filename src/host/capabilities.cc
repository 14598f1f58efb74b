#include "host/capabilities.h"

#include <string_view>

namespace cusp::host {

namespace {

// Why a component may not have a capability, for its author.
std::string_view denial(size_t kind) {
  switch (static_cast<CapabilityKind>(kind)) {
    case CapabilityKind::kGeo: return "this node does not offer cusp:edge/geo";
    case CapabilityKind::kCache: return "this node does not offer cusp:edge/cache";
    case CapabilityKind::kRateLimit: return "this node does not offer cusp:edge/rate-limit";
    case CapabilityKind::kKeyValue:
      return "the manifest grants no key-value store to this component: key_value_stores does";
    case CapabilityKind::kSql:
      return "the manifest grants no SQL database to this component: sqlite_databases does";
    case CapabilityKind::kObjectStore:
      return "the manifest grants no object store to this component: object_stores does";
    case CapabilityKind::kSockets: return "this node does not offer connections to databases";
    case CapabilityKind::kRedis: return "this node does not offer Redis";
  }
  return "this node does not know the capability";
}

}  // namespace

void Capabilities::grant(CapabilityKind kind, std::shared_ptr<Capability> capability) {
  granted_[static_cast<size_t>(kind)] = std::move(capability);
}

void Capabilities::call(const engine::Arguments& arguments, const Caller& caller,
                        engine::Call call) const {
  const size_t kind = call.operation() >> CUSP_CAPABILITY_BITS;
  Capability* capability = kind < granted_.size() ? granted_[kind].get() : nullptr;
  if (capability == nullptr) return call.fail(engine::CallFailure::kDenied, denial(kind));
  capability->call(arguments, caller, std::move(call));
}

}  // namespace cusp::host
