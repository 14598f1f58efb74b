#pragma once

#include <chrono>
#include <string_view>

#include "edge/feature.h"
#include "edge/limits/proof.h"

namespace cusp::edge {

// Lets clients pass that have solved a proof of work, and gives it to those who have not: a page
// for browsers, 403 for others. Whoever solves it gets a cookie that counts for every challenge of
// the same application. Const, so that shards share it.
class Challenger {
 public:
  static constexpr unsigned kDifficulty = 16;
  static constexpr std::chrono::seconds kTtl = std::chrono::hours(1);

  explicit Challenger(const FeatureContext& context, unsigned difficulty = kDifficulty,
                      std::chrono::seconds ttl = kTtl);

  Outcome act(Exchange& exchange) const;

 private:
  http::Response welcome(const Exchange& exchange, std::string_view client) const;
  http::Response ask(const http::Request& request, std::string_view client) const;

  const Proofs proofs_;
};

}  // namespace cusp::edge
