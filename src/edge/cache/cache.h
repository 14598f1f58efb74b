#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "edge/cache/policy.h"
#include "edge/cache/purge.h"
#include "edge/cache/status.h"
#include "edge/origin.h"
#include "http/message.h"

namespace cusp::edge::cache {

struct CacheOptions {
  size_t memory_bytes_max = 256 * limits::kMiB;
  std::string disk_directory;  // empty: no disk tier
  uint64_t disk_bytes_max = 1024 * limits::kMiB;
  uint64_t object_bytes_max = 64 * limits::kMiB;  // a larger response streams past the cache
  // For tests. Empty: the system's.
  std::function<Time()> clock;
};

// Everything that happened since the start, and what is there now.
struct CacheStats {
  uint64_t hits = 0;        // fresh ones
  uint64_t stale_hits = 0;  // stale-while-revalidate, stale-if-error
  uint64_t misses = 0;      // requests that the origin was asked for, bypasses left out
  uint64_t bypasses = 0;
  uint64_t collapsed = 0;      // misses that shared another's request
  uint64_t revalidations = 0;  // 304s of the origin
  uint64_t stored = 0;
  uint64_t purged = 0;
  uint64_t evictions = 0;
  uint64_t memory_bytes = 0;
  uint64_t memory_objects = 0;
  uint64_t disk_bytes = 0;
  uint64_t disk_objects = 0;
  uint64_t disk_errors = 0;  // files that could not be written, read or believed
};

// A shared HTTP cache (RFC 9111) of all shards of a node. Thread-safe; a request stays on its
// shard. Destroy it after the shards.
class Cache {
 public:
  // Errors: kAlreadyExists (another process has the directory), kPermissionDenied, kUnavailable.
  static Result<std::unique_ptr<Cache>> open(CacheOptions options);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Answers a request from what is in memory and fresh, without a coroutine; nothing otherwise, and
  // respond() is to be called. Takes fields out of the request that must not shape a stored
  // response (is_unkeyed in key.h).
  std::optional<http::Response> try_hit(http::Request& request, const Policy& policy,
                                        Status& status);

  // Answers a request from the cache or through `origin`, as RFC 9111 lets it and `policy` says.
  // `request`, `policy` and `status` are used until the task ends; what goes on after it (filling,
  // revalidation) has copies and keeps `origin`. Never fails: the origin does not.
  io::Task<http::Response> respond(http::Request& request, const Policy& policy,
                                   std::shared_ptr<Origin> origin, Status& status);

  // The bytes of a stored response in a content coding ("br"); null when they are not kept.
  std::unique_ptr<http::Body> encoded(const Object& object, std::string_view coding);
  // `body`, which is what that comes to, so that they are kept when it is read to its end.
  std::unique_ptr<http::Body> keep_encoded(ObjectPtr object, std::string_view coding,
                                           std::unique_ptr<http::Body> body);

  // Takes effect at once, for responses on their way too. The number of stored responses that went
  // or were marked. May read the index of the whole cache: not for the path of a request.
  size_t purge(const Purge& purge);

  CacheStats stats() const;

  struct Core;  // core.h

 private:
  friend class AppCache;  // app_cache.h: another way into the same store
  explicit Cache(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;  // shared: with what fills it at the moment
};

}  // namespace cusp::edge::cache
