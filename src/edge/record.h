#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "edge/exchange.h"

namespace cusp::edge {

// What there is to say of an exchange once its response has been sent or given up.
struct Record {
  std::string notes;         // what the observer wrote down when the exchange began
  std::string app, route;    // empty: no application answered for the host, no route for the path
  std::string answered_by;   // the key of the feature that made the response; empty: the origin
  std::string cache_status;  // the field of RFC 9211, where the edge added one
  uint16_t status = 0;
  uint64_t body_bytes = 0;                               // of the response, without framing
  bool complete = false;                                 // whether the whole of it went out
  std::array<std::chrono::nanoseconds, kPhases> took{};  // up to the response's head
  std::chrono::nanoseconds total{0};                     // up to its end
};

// Told of every exchange of a shard: for access logs and metrics.
class Observer {
 public:
  virtual ~Observer() = default;

  // The client is known, nothing has been decided. The time to note what the exchange may use up.
  virtual void begins(const Exchange& exchange, Record& record) = 0;
  virtual void ended(const Record& record) = 0;
};

}  // namespace cusp::edge
