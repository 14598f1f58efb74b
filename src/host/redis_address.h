#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cusp::host {

// What a guest names a Redis server by: "redis://[[user]:password@]host[:port][/database]", with
// "rediss" for TLS; user and password are percent-encoded (RFC 3986 section 2.1).
struct RedisAddress {
  std::string scheme;  // "redis" or "rediss"
  std::string host;    // lower case, without brackets
  uint16_t port = 6379;
  std::string user;
  std::string password;
  uint32_t database = 0;

  // Errors: kInvalidArgument, whose text repeats nothing of `text`: there may be a password in it.
  static Result<RedisAddress> parse(std::string_view text);
};

}  // namespace cusp::host
