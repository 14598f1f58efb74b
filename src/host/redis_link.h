#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "host/redis_address.h"
#include "host/redis_protocol.h"
#include "io/asio.h"
#include "io/stream.h"
#include "io/task.h"

namespace cusp::http {
class Connector;
}

namespace cusp::host {

// One connection to a Redis server. On one shard; one call at a time, and close() beside it. No
// text of an error repeats the address' credentials.
class RedisLink {
 public:
  // Whether an address that the name has resolved to may be connected to.
  using AllowAddress = std::function<bool(std::string_view address, uint16_t port)>;

  // `connector` is the shard's and outlives it.
  RedisLink(RedisAddress address, AllowAddress allow, io::Executor executor,
            http::Connector& connector);

  // Connects, shows the credentials and selects the database that the address names. Errors:
  // kUnavailable, kPermissionDenied.
  io::Task<Result<>> connect();
  bool connected() const { return stream_ != nullptr; }
  // A command (format_redis_command) and its one reply. After an error the link is of no more use.
  io::Task<Result<RedisReply>> exchange(const std::string& command);
  // Sends a command to which receive() gets what comes.
  io::Task<Result<>> send(std::string command);
  // What the server sends next, unasked; nothing: not within `patience`.
  io::Task<Result<std::optional<RedisReply>>> receive(std::chrono::milliseconds patience);
  // A link that is about to connect is closed when it has.
  void close();

 private:
  io::Task<Result<>> prepare(std::string command, std::string_view what);

  const RedisAddress address_;
  const AllowAddress allow_;
  const io::Executor executor_;
  http::Connector& connector_;
  std::unique_ptr<io::Stream> stream_;
  RedisReplyReader reader_;
  bool closed_ = false;
};

}  // namespace cusp::host
