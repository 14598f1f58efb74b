#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/record.h"

namespace cusp::node {

// The access log of a node: one line of JSON for each exchange (docs/operations/access-log.md).
// Shared by all shards; a thread of its own writes, so that a slow disk delays nobody. Lines beyond
// kQueueBytesMax that the disk has not taken are dropped and counted in a line of their own.
class AccessLog {
 public:
  static constexpr size_t kQueueBytesMax = 16 * 1024 * 1024;

  // `path` is a file to append to, or "-" for the standard output. Errors: kUnavailable,
  // kPermissionDenied.
  static Result<std::unique_ptr<AccessLog>> open(const std::string& path);
  // Writes what is queued.
  virtual ~AccessLog() = default;

  // Opens the file anew, for log rotation (SIGHUP). Any thread; takes effect with the next write.
  virtual void reopen() = 0;
  // Queues a line with its newline. Any thread.
  virtual void write(std::string_view line) = 0;
};

// What the line says of the request, for Record::notes: it has to be taken down before the request
// is used up.
std::string access_log_notes(const edge::Exchange& exchange);
// The whole line of an exchange that has ended.
std::string access_log_line(const edge::Record& record);

}  // namespace cusp::node
