#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>

#include "http/h1_parser.h"
#include "http/pace.h"
#include "http/server.h"
#include "io/asio.h"

namespace cusp::http {

// What one server's sessions share. Belongs to the server's shard and outlives them.
class ServerContext {
 public:
  using Clock = std::chrono::steady_clock;

  // A session, as its server sees it.
  class Session {
   public:
    virtual ~Session() = default;
    // Nothing has happened for too long: end what is going on.
    virtual void time_out() = 0;
    // The server is going away: finish the requests in flight, take no more.
    virtual void drain() = 0;
    // Cut, now.
    virtual void abort() = 0;
    // Called with each tick: the time to see whether the client is still there.
    virtual void look() {}

    // When time_out() is due. A session moves it by writing here, which costs nothing: one timer
    // for the whole server looks at all of them, so a deadline is kept to within kTick.
    Clock::time_point deadline = Clock::time_point::max();
  };

  static constexpr std::chrono::milliseconds kTick{100};

  ServerContext(io::Executor shard, const ServerLimits& server_limits, Gate* server_gate,
                Handler& request_handler)
      : executor(shard), limits(server_limits), gate(server_gate), handler(request_handler) {
    tick();
  }

  HeadLimits head_limits() const {
    return {limits.head_bytes_max, limits::kTargetBytesMax, limits.fields_max};
  }

  // For one direction of a message.
  Pace pace() const { return {limits.body_idle_timeout, limits.client_bytes_per_second_min}; }

  // Refreshes `now` and `date`, and times sessions out.
  void tick();

  io::Executor executor;
  ServerLimits limits;
  Gate* gate;  // null: everybody may connect
  Handler& handler;
  std::list<Session*> sessions;
  Clock::time_point now;  // coarse: as of the last tick
  std::string date;       // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7)
  bool draining = false;
  size_t connections = 0;
  // Where sessions read into before they know how much memory they need; no use across a wait.
  std::array<char, 64 * 1024> scratch;
};

}  // namespace cusp::http
