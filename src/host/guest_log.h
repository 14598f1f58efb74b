#pragma once

#include <string>
#include <string_view>

#include "base/limits.h"
#include "engine/invocation.h"

namespace cusp::host {

// Turns what one invocation prints into lines of the node's log: "[app/component] text". Lines over
// limits::kGuestLogLineBytesMax are cut, and after limits::kGuestLogBytesMax one notice is written
// and the rest dropped, so that a guest cannot flood the log. Belongs to one shard.
class GuestLog {
 public:
  explicit GuestLog(std::string_view label) : label_(label) {}
  ~GuestLog();

  void write(engine::Stdio stream, std::string_view data);

 private:
  void line(engine::Stdio stream, std::string_view text);

  std::string_view label_;  // outlives the invocation
  std::string partial_[2];  // what came after the last line end, for each stream
  size_t bytes_ = 0;
  bool flooded_ = false;
};

}  // namespace cusp::host
