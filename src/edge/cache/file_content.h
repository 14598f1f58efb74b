#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "edge/cache/disk_file.h"
#include "edge/cache/object.h"
#include "http/body.h"
#include "io/blocking_pool.h"
#include "io/task.h"

namespace cusp::edge::cache {

// The content of a stored response that stays on disk and is read chunk by chunk, each on a thread
// that may block. A chunk is handed out only when it is what was written. The file is open: it can
// be read to its end also after it was removed or replaced. Thread-safe.
class FileContent {
 public:
  // `spoilt` is called, on any thread, when a chunk is not what was written. `pool` outlives it.
  FileContent(File file, FileHead head, io::BlockingPool& pool, std::function<void()> spoilt);

  // The awaiting coroutine goes on on its shard, and keeps this alive meanwhile. Errors:
  // kUnavailable, when the chunk is not what was written.
  io::Task<Result<std::string>> read(uint64_t chunk) const;

 private:
  const File file_;
  const uint64_t bytes_;
  const std::string digests_;
  io::BlockingPool& pool_;
  const std::function<void()> spoilt_;
};

// The bytes of `object`, whose content stays on disk, in `range`; its trailers when that is all.
std::unique_ptr<http::Body> make_file_body(ObjectPtr object, ByteRange range);

}  // namespace cusp::edge::cache
