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
  // `name` is printable ASCII without quotes.
  void add(std::string_view name, const LimiterOptions& options, const Limiter::Verdict& verdict);
  // Sets the fields on the response, behind what another feature has said there.
  void write(Exchange& exchange) const;
  // "limit1: 7 of 100 remain", for `cusp explain`.
  std::string remaining() const { return remaining_; }

 private:
  std::string policy_, state_, remaining_;
};

// Rounded up: for fields that know seconds alone.
int64_t whole_seconds(std::chrono::nanoseconds time);

}  // namespace cusp::edge
