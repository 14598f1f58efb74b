#include "edge/trace_context.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace cusp::edge {

namespace {

constexpr size_t kTraceparentSize = 55;  // "00-" trace "-" span "-" flags

// Lower-case digits alone; a charconv of hexadecimal takes upper case too.
template <class T>
bool read_hex(std::string_view digits, T& value) {
  const bool lower = std::ranges::all_of(
      digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!lower) return false;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return error == std::errc() && end == digits.data() + digits.size();
}

}  // namespace

std::optional<TraceContext> TraceContext::parse(std::string_view text) {
  if (text.size() < kTraceparentSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  uint8_t version;
  TraceContext context;
  const bool read =
      read_hex(text.substr(0, 2), version) && read_hex(text.substr(3, 16), context.trace_high) &&
      read_hex(text.substr(19, 16), context.trace_low) &&
      read_hex(text.substr(36, 16), context.span) && read_hex(text.substr(53, 2), context.flags);
  if (!read || version == 0xff) return std::nullopt;
  const std::string_view rest = text.substr(kTraceparentSize);
  if (!rest.empty() && (version == 0 || rest.front() != '-')) return std::nullopt;
  if ((context.trace_high | context.trace_low) == 0 || context.span == 0) return std::nullopt;
  return context;
}

std::string TraceContext::trace_id() const {
  return fmt::format("{:016x}{:016x}", trace_high, trace_low);
}

std::string TraceContext::span_id() const { return fmt::format("{:016x}", span); }

std::string TraceContext::traceparent() const {
  return fmt::format("00-{:016x}{:016x}-{:016x}-{:02x}", trace_high, trace_low, span, flags);
}

TraceContext TraceIds::begin(http::Fields& fields) {
  std::optional<TraceContext> context;
  if (fields.count("traceparent") == 1) context = TraceContext::parse(*fields.get("traceparent"));
  if (!context) {
    fields.remove("tracestate");
    context = TraceContext{.trace_high = next(), .trace_low = next()};
  }
  context->span = next();
  context->flags &= 1;  // of version 00, the only one that we write
  fields.set("traceparent", context->traceparent());
  return *context;
}

uint64_t TraceIds::next() {
  while (true) {
    if (const uint64_t value = random_()) return value;
  }
}

}  // namespace cusp::edge
