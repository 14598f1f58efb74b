#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/result.h"

// Durations and sizes as people write them in manifests, configuration and flags.
namespace cusp {

// Reads "250ms", "30s", "5m", "2h", "1.5s" or "0s". The unit is required, so that no reader has to
// guess it. Errors: kInvalidArgument for anything else, a negative value, or one beyond 10 years.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// Reads "512B", "64KiB", "10MB", "1.5GiB": KB, MB, GB are powers of 1000; KiB, MiB, GiB of 1024.
// The unit is required. Errors: kInvalidArgument for anything else, a negative value, a fraction of
// a byte, or one beyond 2^53 bytes.
Result<uint64_t> parse_bytes(std::string_view text);

}  // namespace cusp
