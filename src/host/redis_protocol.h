#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

struct redisReader;

namespace cusp::host {

inline constexpr size_t kRedisReplyBytesMax = 32 * limits::kMiB;
inline constexpr size_t kRedisReplyValuesMax = 100'000;

// A status line, as opposed to bytes.
struct RedisStatus {
  std::string text;
};

// None, an integer, a status or bytes.
using RedisValue = std::variant<std::monostate, int64_t, RedisStatus, std::string>;

// What a server answers to one command. Lists are flattened.
struct RedisReply {
  std::vector<RedisValue> values;
  std::string error;  // the server's own text, where it has refused something
};

// A command as the protocol (RESP2) has it.
std::string format_redis_command(std::span<const std::string> words);

// Reads replies out of the pieces that a server sends, which may be hostile: what it announces
// costs nothing until it has come, and what comes is bounded by kRedisReplyBytesMax and
// kRedisReplyValuesMax for each reply. After an error the connection is of no more use.
class RedisReplyReader {
 public:
  RedisReplyReader();
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  // Errors: kResourceExhausted.
  Result<> append(std::string_view piece);
  // True: the next reply is whole, to be taken before the next call. Errors: kInvalidArgument (this
  // is not the protocol), kResourceExhausted.
  Result<bool> next();
  RedisReply take() { return std::exchange(reply_, {}); }
  // Whether nothing has come beyond the replies that next() has found.
  bool empty() const;

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };

  std::unexpected<Error> broken() const;

  RedisReply reply_;
  size_t bytes_ = 0;
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace cusp::host
