#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/asio.h"

namespace cusp::io {

// Turns host names into addresses for one shard, on a few threads of its own that start with the
// first name: the system's resolver blocks. The destructor waits for lookups that have begun.
class Resolver {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Resolver(Executor executor);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of `host` (a name or a literal, without brackets) in the order to try them, at
  // least one. IPv4-mapped IPv6 addresses come as IPv4, so that rules about addresses see through
  // them. A literal needs no lookup. Cancellation takes effect at once. Errors: kDeadlineExceeded
  // at `deadline`, kNotFound (no such name), kUnavailable (no answer from the name servers).
  Task<Result<std::vector<asio::ip::address>>> resolve(std::string host,
                                                       Clock::time_point deadline);

 private:
  struct Pool;
  Executor executor_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace cusp::io
