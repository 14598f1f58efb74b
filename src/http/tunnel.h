#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/task.h"

namespace cusp::http {

// The far end of a connection that has left HTTP for another protocol (101, RFC 9110 section 7.8),
// as bytes both ways. The client's response carries one, whose far end is the upstream; a server's
// session takes one from the handler's response and joins it to the client's connection, so a proxy
// passes on what it got. Belongs to one shard. read() and write() may be under way at the same
// time, one each. Destroying it, when neither is, does what cut() does.
class Tunnel {
 public:
  virtual ~Tunnel() = default;

  // The next bytes from the far end; none once that has said that it will send no more. Nothing is
  // read ahead of demand. Errors: kCancelled (the far end went away), kDeadlineExceeded (nothing
  // passed for too long).
  virtual io::Task<Result<std::string>> read() = 0;
  // Returns when the far end has room for more. Errors: those of read().
  virtual io::Task<Result<>> write(std::string data) = 0;
  // Tells the far end that nothing more will be written; read() goes on.
  virtual void end() = 0;
  // Ends the connection both ways, now; calls that are under way return kCancelled.
  virtual void cut() = 0;
};

}  // namespace cusp::http
