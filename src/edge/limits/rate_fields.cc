#include "edge/limits/rate_fields.h"

#include <fmt/format.h>

namespace cusp::edge {

namespace {

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

void set_or_append(http::Fields& fields, std::string_view name, const std::string& value) {
  const auto before = fields.get(name);
  fields.set(name, before ? fmt::format("{}, {}", *before, value) : value);
}

}  // namespace

int64_t whole_seconds(std::chrono::nanoseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

void RateFields::add(std::string_view name, const LimiterOptions& options,
                     const Limiter::Verdict& verdict) {
  const uint32_t quota = options.burst != 0 ? options.burst : options.limit;
  // A window is told in whole seconds; one below is told as none at all.
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(options.window).count();
  std::string policy = fmt::format("\"{}\";q={}", name, quota);
  if (seconds > 0) policy += fmt::format(";w={}", seconds);
  append(policy_, policy);
  append(state_, fmt::format("\"{}\";r={};t={}", name, verdict.remaining,
                             whole_seconds(verdict.allowed ? verdict.reset : verdict.retry)));
  append(remaining_, fmt::format("{}: {} of {} remain", name, verdict.remaining, quota));
}

void RateFields::write(Exchange& exchange) const {
  if (state_.empty()) return;
  set_or_append(exchange.response_fields, "ratelimit-policy", policy_);
  set_or_append(exchange.response_fields, "ratelimit", state_);
}

}  // namespace cusp::edge
