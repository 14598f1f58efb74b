#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/body.h"
#include "io/task.h"

namespace cusp::http {

// All of `body`, which may be null, of a peer that an error calls `who`. One that sends a little
// now and then holds nobody for longer than the pause between two parts beyond `deadline`. Errors:
// those of Body::read(), kResourceExhausted (more than `bytes_max`), kDeadlineExceeded.
io::Task<Result<std::string>> read_within(Body* body, size_t bytes_max,
                                          std::chrono::steady_clock::time_point deadline,
                                          std::string_view who);

}  // namespace cusp::http
