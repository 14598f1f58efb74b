#include "edge/trace_context.h"

#include <algorithm>
#include <charconv>

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

// Written by hand: every request has one, and formatting it otherwise costs as much as routing it.
void append_hex(std::string& text, uint64_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) text += kDigits[value >> shift & 0xf];
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
  std::string text;
  append_hex(text, trace_high, 16);
  append_hex(text, trace_low, 16);
  return text;
}

std::string TraceContext::span_id() const {
  std::string text;
  append_hex(text, span, 16);
  return text;
}

std::string TraceContext::traceparent() const {
  std::string text;
  text.reserve(kTraceparentSize);
  text += "00-";
  append_hex(text, trace_high, 16);
  append_hex(text, trace_low, 16);
  text += '-';
  append_hex(text, span, 16);
  text += '-';
  append_hex(text, flags, 2);
  return text;
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
