#include "edge/cache/status.h"

#include <array>

#include "edge/cache/structured.h"

namespace cusp::edge::cache {

namespace {

std::string_view to_string(Status::Forward forward) {
  constexpr std::array<std::string_view, 9> kNames = {
      "", "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"};
  return kNames[static_cast<size_t>(forward)];
}

}  // namespace

std::string_view Status::word() const {
  if (hit) return ttl && *ttl < Seconds(0) ? "stale" : "hit";
  if (collapsed) return "collapsed";
  if (forward == Forward::kBypass || forward == Forward::kMethod) return "bypass";
  if (forward_status == 304) return "revalidated";
  return "miss";
}

std::string to_field(const Status& status, std::string_view name, std::string_view key) {
  std::string out = structured_string(name);
  if (status.hit) out += "; hit";
  if (!status.hit && status.forward != Status::Forward::kNone) {
    out.append("; fwd=").append(to_string(status.forward));
  }
  if (status.forward_status) out += "; fwd-status=" + std::to_string(*status.forward_status);
  if (status.ttl) out += "; ttl=" + std::to_string(status.ttl->count());
  if (status.stored) out += "; stored";
  if (status.collapsed) out += "; collapsed";
  if (!key.empty()) out += "; key=" + structured_string(key);
  if (!status.detail.empty()) out.append("; detail=").append(status.detail);
  return out;
}

}  // namespace cusp::edge::cache
