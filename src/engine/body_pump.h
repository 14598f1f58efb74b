#pragma once

#include <memory>

#include "http/body.h"
#include "io/event.h"
#include "io/task.h"

struct cusp_body;

namespace cusp::engine {

// Feeds a body that a guest reads from an http::Body, a part each time the guest asks. Belongs to
// one shard. Shared by its coroutine and by whoever may have to stop it.
class BodyPump {
 public:
  // `target` stays valid until run() has returned or stop() was called.
  BodyPump(io::Executor executor, cusp_body* target, std::unique_ptr<http::Body> source);

  // The guest asks for a part. May be called in the middle of a poll: it only leaves a note.
  void wanted() { asked_.notify(); }
  // Cuts the two ends apart: neither is touched afterwards.
  void stop();
  // Returns at the end of either side.
  io::Task<void> run();

 private:
  io::Task<bool> wait_until_wanted();

  cusp_body* target_;
  std::unique_ptr<http::Body> source_;
  io::Event asked_;
};

}  // namespace cusp::engine
