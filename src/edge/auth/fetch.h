#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/table_reader.h"
#include "edge/exchange.h"

namespace cusp::edge {

// "https://id.example.com:8443/keys?a=b", taken apart.
struct Url {
  std::string scheme;  // "https" or "http"
  std::string authority;
  std::string host;    // of the authority, without its port and the brackets of IPv6
  std::string target;  // "/keys?a=b"; "/" for none
};
// Nothing for what is no absolute URL of HTTP, or names a user.
std::optional<Url> parse_url(std::string_view text);

// Whether the host is the machine itself: what goes there meets no network.
bool is_this_machine(std::string_view host);

// Reads a URL that secrets and keys are fetched from: https, or http to the machine itself, for
// what travels in clear text could have been changed on its way. Problems are reported through
// `value`.
std::optional<Url> read_trusted_url(const Value& value, const std::string& text);

// What a feature has to ask a server for on its own.
struct FetchRequest {
  Url url;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool private_addresses = false;  // whether the URL's name may lead into a private network
};

struct Fetched {
  uint16_t status = 0;
  std::string body;
};

// Each of connecting, the answer's head, and a pause within its body may take this long.
inline constexpr std::chrono::seconds kFetchTimeout{5};
inline constexpr size_t kFetchBytesMax = 512 * 1024;

// Redirects are not followed. Errors: those of the client, kResourceExhausted for an answer that is
// too long.
io::Task<Result<Fetched>> fetch(ShardContext& shard, FetchRequest request);

}  // namespace cusp::edge
