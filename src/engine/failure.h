#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cusp::engine {

// Why an invocation ended without finishing. Each has a name and a status of its own.
enum class FailureKind : uint8_t {
  kTrap,  // the guest's own fault: unreachable, out of bounds, exit
  kStackOverflow,
  kMemoryLimit,  // trapped after its limit had refused it memory
  kTableLimit,
  kCpuLimit,
  kWallLimit,
  kNoResponse,
  kErrorCode,   // answered with a wasi:http error-code
  kNoInstance,  // the process has no room for one more
  kBadRequest,  // the request does not fit the guest's interface
  kClientGone,
  kClientSlow,  // its place was needed by others
  kShutdown,
  kInternal,
};

struct Failure {
  FailureKind kind;
  std::string message;  // what happened, with the guest's stack trace where there is one

  // The root cause alone: one line, for the log. Valid as long as the message.
  std::string_view cause() const;
};

// "cpu-limit"
std::string_view to_string(FailureKind kind);

// What the client gets when there is no response yet: 500 for the guest's faults, 503 and 504 for
// limits.
uint16_t http_status(FailureKind kind);

}  // namespace cusp::engine
