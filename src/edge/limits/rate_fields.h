#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "edge/exchange.h"
#include "edge/limits/limiter.h"

namespace cusp::edge {

// The response fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): for
// each limit its quota and window, what remains of it, and in how many seconds all is there again.
class RateFields {
 public:
  // A limit's member of RateLimit-Policy. `name` is printable ASCII without quotes.
  static std::string policy_of(std::string_view name, const LimiterOptions& options);

  // `policy` is that of the limit `name`.
  void add(std::string_view name, std::string_view policy, const Limiter::Verdict& verdict);
  // Sets the fields on the response, behind what another feature has said there.
  void write(Exchange& exchange) const;

 private:
  std::string policy_, state_;
};

// Rounded up: for fields that know seconds alone.
int64_t whole_seconds(std::chrono::nanoseconds time);

}  // namespace cusp::edge
