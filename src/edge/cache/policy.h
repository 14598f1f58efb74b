#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cusp::edge::cache {

using Seconds = std::chrono::seconds;
// Wall-clock time: a stored response outlives the process that stored it.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// How the responses of one route are cached. The defaults do what RFC 9111 says and no more.
struct Policy {
  // Part of the key: two applications never see each other's responses.
  std::string name_space;

  // How long a response is fresh whose origin does not say (0: only by heuristics, RFC 9111 section
  // 4.2.2), and the same for single status codes, such as {404: 10s}.
  Seconds default_ttl{0};
  std::map<uint16_t, Seconds> status_ttl;
  // Whether a response without explicit freshness may be fresh because it has not changed for long.
  bool heuristics = true;
  // What counts as stale-while-revalidate and stale-if-error where the origin does not say (RFC
  // 5861). must-revalidate and its like forbid both whatever stands here.
  Seconds stale_while_revalidate{0};
  Seconds grace{0};

  // What of the query joins the key, in this order: `query_keep` (empty: all) names the parameters
  // that stay, `query_ignore` those that go, both with "*" as wildcard; then they are sorted by
  // name. The origin is asked with the same query, so that what is not in the key cannot shape the
  // response.
  std::vector<std::string> query_keep;
  std::vector<std::string> query_ignore;
  bool query_sort = false;

  // Request fields (lower case) whose values join the key.
  std::vector<std::string> variance;

  // Whether no-cache, max-age and min-fresh of clients (and Pragma) are passed over.
  bool ignore_client_no_cache = false;
  // HEAD is answered from GET; POST is stored where RFC 9110 section 9.3.3 lets it be.
  bool store_post = true;
  // Not more than CacheOptions::object_bytes_max.
  uint64_t object_bytes_max = UINT64_MAX;

  // The targeted fields that count before Cache-Control, in this order (RFC 9213 section 2.2).
  std::vector<std::string> targeted_fields = {"cdn-cache-control"};
  // The device token in Surrogate-Capability and Surrogate-Control; empty: neither is used.
  std::string surrogate_device = "cusp";
};

}  // namespace cusp::edge::cache
