#pragma once

#include <chrono>
#include <memory>

#include "edge/record.h"
#include "http/body.h"

namespace cusp::edge {

// A response's body that counts what goes out, and tells `observer` when it has ended or was given
// up. `observer` outlives it; `began` is when the exchange did.
std::unique_ptr<http::Body> observe(std::unique_ptr<http::Body> body,
                                    std::unique_ptr<Record> record, Observer& observer,
                                    std::chrono::steady_clock::time_point began);

}  // namespace cusp::edge
