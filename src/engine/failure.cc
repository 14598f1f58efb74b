#include "engine/failure.h"

namespace cusp::engine {

// The engine's texts end with the innermost cause.
std::string_view Failure::cause() const {
  std::string_view text = message;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (const size_t line = text.rfind('\n'); line != text.npos) text.remove_prefix(line + 1);
  const size_t start = text.find_first_not_of(' ');
  return start == text.npos ? std::string_view() : text.substr(start);
}

std::string_view to_string(FailureKind kind) {
  using enum FailureKind;
  switch (kind) {
    case kTrap: return "trap";
    case kStackOverflow: return "stack-overflow";
    case kMemoryLimit: return "memory-limit";
    case kTableLimit: return "table-limit";
    case kCpuLimit: return "cpu-limit";
    case kWallLimit: return "wall-limit";
    case kNoResponse: return "no-response";
    case kErrorCode: return "error-code";
    case kNoInstance: return "no-instance";
    case kBadRequest: return "bad-request";
    case kClientGone: return "client-gone";
    case kClientSlow: return "client-slow";
    case kShutdown: return "shutdown";
    case kInternal: return "internal";
  }
  return "internal";
}

uint16_t http_status(FailureKind kind) {
  using enum FailureKind;
  switch (kind) {
    case kBadRequest: return 400;
    case kClientGone: return 499;
    case kClientSlow: return 408;
    case kErrorCode: return 502;
    case kNoInstance:
    case kShutdown: return 503;
    case kCpuLimit:
    case kWallLimit: return 504;
    default: return 500;
  }
}

}  // namespace cusp::engine
