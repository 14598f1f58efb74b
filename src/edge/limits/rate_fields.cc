#include "edge/limits/rate_fields.h"

#include <fmt/format.h>

namespace cusp::edge {

namespace {

void append(std::string& list, std::string_view text) {
  if (!list.empty()) list += ", ";
  list += text;
}

void set_or_append(http::Fields& fields, std::string_view name, const std::string& value) {
  const auto before = fields.get(name);
  fields.set(name, before ? fmt::format("{}, {}", *before, value) : value);
}

}  // namespace

int64_t whole_seconds(std::chrono::nanoseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

std::string RateFields::policy_of(std::string_view name, const LimiterOptions& options) {
  // A window is told in whole seconds; one below is told as none at all.
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(options.window).count();
  const std::string policy = fmt::format("\"{}\";q={}", name, options.quota());
  return seconds > 0 ? fmt::format("{};w={}", policy, seconds) : policy;
}

void RateFields::add(std::string_view name, std::string_view policy,
                     const Limiter::Verdict& verdict) {
  append(policy_, policy);
  // By hand: every request has one.
  const fmt::format_int remaining(verdict.remaining);
  const fmt::format_int seconds(whole_seconds(verdict.allowed ? verdict.reset : verdict.retry));
  state_.reserve(state_.size() + name.size() + 40);
  append(state_, "\"");
  state_.append(name).append("\";r=").append(remaining.data(), remaining.size());
  state_.append(";t=").append(seconds.data(), seconds.size());
}

void RateFields::write(Exchange& exchange) const {
  if (state_.empty()) return;
  set_or_append(exchange.response_fields, "ratelimit-policy", policy_);
  set_or_append(exchange.response_fields, "ratelimit", state_);
}

}  // namespace cusp::edge
