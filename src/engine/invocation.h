#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "engine/call.h"
#include "engine/component.h"
#include "engine/failure.h"
#include "engine/run_queue.h"
#include "http/message.h"
#include "io/task.h"

namespace cusp::engine {

class Outbound;

// What an invocation has used, told once at its end.
struct Report {
  std::optional<Failure> failure;
  std::chrono::nanoseconds cpu_time{0};
  std::chrono::nanoseconds wall_time{0};
  uint64_t memory_peak_bytes = 0;
  bool keeps_instance = false;
};

struct InvocationLimits {
  std::chrono::nanoseconds cpu_time_max = limits::kGuestCpuTimeMax;
  std::chrono::nanoseconds wall_time_max = limits::kGuestWallTimeMax;
};

enum class Stdio : uint8_t { kStdout, kStderr };

// What a guest does to the world, and its end. One object for each invocation, owned by it. All
// calls come on its shard.
class InvocationHost {
 public:
  virtual ~InvocationHost() = default;
  virtual void output(Stdio stream, std::string_view data) = 0;
  virtual void outbound(std::unique_ptr<Outbound> outbound) = 0;
  // A call of a capability. `arguments` are valid for this function only.
  virtual void call(const Arguments& arguments, Call call) = 0;
  // How long the client may keep the guest waiting; nothing: as long as other limits allow.
  virtual std::optional<std::chrono::nanoseconds> patience() const { return std::nullopt; }
  // Called once, last. Not a place to free the invocation.
  virtual void ended(const Report& report) = 0;
};

class Invocation;

// The invocations of a shard that wait for something, or for another turn: what is left to end when
// the shard goes away.
class Parked {
 public:
  void add(Invocation& invocation) { invocations_.insert(&invocation); }
  void remove(Invocation& invocation) { invocations_.erase(&invocation); }
  void cancel_all(FailureKind kind);
  // Ends those whose clients have kept them waiting for longer than their hosts' patience, with
  // kClientSlow.
  void cancel_slow();
  size_t size() const { return invocations_.size(); }
  RunQueue& run_queue() { return run_queue_; }

 private:
  std::unordered_set<Invocation*> invocations_;
  RunQueue run_queue_;
};

// A kept instance (reuse), between two requests.
class Instance;
using InstancePtr = std::unique_ptr<Instance, void (*)(Instance*)>;

// The argument vector and variables of a WASI command that answers as CGI.
struct Command {
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
};

// One run of a component for one request. Belongs to one shard, whose loop polls the guest: when it
// is started, and whenever something that it waits for has happened. Lives until the guest has
// finished and its response is read or dropped: work after the response goes on without a reader.
// Ends early at a limit, when the client goes away, or by cancel(). Shared by the response's body,
// the shard's queue of wake-ups and (while it runs) itself.
class Invocation {
 public:
  // Starts it; nothing runs before respond(). `component` and `parked` outlive it. `instance` may
  // be null; `keep` asks for the instance back in take_instance(). Moves what it needs out of
  // `request`.
  static std::shared_ptr<Invocation> start(io::Executor executor, Parked& parked,
                                           const Component& component, http::Request& request,
                                           InstancePtr instance, bool keep,
                                           const InvocationLimits& limits,
                                           std::unique_ptr<InvocationHost> host);
  static std::shared_ptr<Invocation> start_command(io::Executor executor, Parked& parked,
                                                   const Component& component, Command command,
                                                   http::Request& request,
                                                   const InvocationLimits& limits,
                                                   std::unique_ptr<InvocationHost> host);

  virtual ~Invocation() = default;

  // Runs the guest until there is a response. Its body goes on driving the guest as it is read. For
  // a command the response has only a body: what the program writes to stdout.
  virtual io::Task<std::expected<http::Response, Failure>> respond() = 0;

  // Ends it now with `kind`: the guest's stack is unwound, readers of its body see an error.
  virtual void cancel(FailureKind kind) = 0;

  // Whether it has been its client's turn, to send more of the request or to take more of the
  // response, for longer than the host's patience.
  virtual bool has_slow_client() const = 0;

  // After a Report with keeps_instance: the instance, once.
  virtual InstancePtr take_instance() = 0;
};

}  // namespace cusp::engine
