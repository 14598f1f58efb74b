#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "http/fields.h"

namespace cusp::edge {

// The place of one request in a distributed trace (W3C Trace Context, section 3.2): which trace it
// belongs to, and the span that this node is. A value type.
struct TraceContext {
  uint64_t trace_high = 0, trace_low = 0;  // 128 bits, not all zero
  uint64_t span = 0;                       // not zero
  uint8_t flags = 0;                       // bit 0: sampled

  // Reads a traceparent field: `span` is the caller's. Nothing when it is not valid; a version
  // newer than 00 is read as far as 00 goes.
  static std::optional<TraceContext> parse(std::string_view traceparent);

  std::string traceparent() const;
  std::string trace_id() const;  // 32 hexadecimal digits
  std::string span_id() const;   // 16
};

// Makes the identifiers of one shard's spans. They need to be unique, not secret.
class TraceIds {
 public:
  TraceIds() : random_(std::random_device()()) {}

  // The context of this node for a request: goes on with the caller's trace, or begins one. Leaves
  // the fields traceparent and (only with a valid parent) tracestate for whoever is asked next.
  TraceContext begin(http::Fields& fields);

 private:
  uint64_t next();

  std::mt19937_64 random_;
};

}  // namespace cusp::edge
