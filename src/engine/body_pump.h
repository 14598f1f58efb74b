#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "http/body.h"
#include "io/event.h"
#include "io/task.h"

struct cusp_body;

namespace cusp::engine {

// Feeds a body that a guest reads from an http::Body, a part each time the guest asks. Belongs to
// one shard. Shared by its coroutines and by whoever may have to stop it.
class BodyPump {
 public:
  // `target` stays valid until both sides have ended or stop() was called.
  BodyPump(io::Executor executor, cusp_body* target, std::unique_ptr<http::Body> source);

  // Cuts the two ends apart: neither is touched afterwards.
  void stop();

  // Whether there is more to come, for a guest that may want it.
  bool open() const;

  // Driven by the guest's turns: whether the guest asks for a part and none is on its way.
  bool wanted() const;
  // Hands on the part that is asked for, if it is there.
  bool try_feed();
  // Since when a part has been waited for; nothing while none is.
  std::optional<std::chrono::steady_clock::time_point> reading_since() const {
    return reading_ ? std::optional(reading_since_) : std::nullopt;
  }
  // Waits for the part; deliver() hands it on.
  io::Task<Result<http::BodyPart>> read();
  void deliver(Result<http::BodyPart> part);

  // Driven by itself: returns at the end of either side. ask() tells that the guest wants a part;
  // it may be called in the middle of a poll: it only leaves a note.
  io::Task<void> run();
  void ask() { asked_.notify(); }

 private:
  cusp_body* target_;
  std::unique_ptr<http::Body> source_;  // null at its end
  io::Event asked_;
  bool reading_ = false;
  std::chrono::steady_clock::time_point reading_since_{};
};

}  // namespace cusp::engine
