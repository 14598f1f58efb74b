#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "edge/cache/policy.h"
#include "http/message.h"

namespace cusp::edge::cache {

// What the key of a request is made of, before it is put together.
struct Address {
  std::string origin;  // "https://example.com", lower case, without a default port
  std::string path;    // as it came, "/a%2fb"
  std::string query;   // normalised as the policy says, without "?"

  // "https://example.com/a?b": what purges name.
  std::string url() const;
  // "/a?b": what the origin is asked for.
  std::string target() const;
};

Address address_of(const http::Request& request, const Policy& policy);
// The same of a URL, "https://example.com/a?b"; nothing when it is not one of http or https.
std::optional<Address> address_of(std::string_view url, const Policy& policy);

// The primary key of a request (RFC 9111 section 2): each part with its length in front, so that no
// content of one part can look like another. Nothing that a client sends joins it unless the
// target, the authority or Policy::variance says so.
std::string make_key(const http::Request& request, const Address& address, const Policy& policy);

// Whether a request field could shape a response while caches do not key on it, such as
// X-Forwarded-Host: such fields of clients do not reach the origin on the way into the cache.
// `name` in lower case.
bool is_unkeyed(std::string_view name, const Policy& policy);

}  // namespace cusp::edge::cache
