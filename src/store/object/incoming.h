#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/blocking_pool.h"
#include "io/task.h"
#include "store/object/content.h"
#include "store/object/head.h"

namespace cusp::store::object {

// A content that has come in whole and that no object has yet.
struct Received {
  Stored stored;
  std::string md5;                   // its bytes
  std::optional<Checksum> checksum;  // of the algorithm that was asked for
};

// Takes the content of an object as it comes, and hands it to the disk piece by piece. What is not
// finished leaves nothing. On one shard; one call at a time.
class Incoming {
 public:
  // `contents` and `pool` outlive it.
  Incoming(Contents& contents, io::BlockingPool& pool, std::optional<Algorithm> algorithm);

  // Errors of both: those of Writer. After an error only the destructor is left.
  io::Task<Result<>> append(std::string_view bytes);
  // Once, and last.
  io::Task<Result<Received>> finish();

 private:
  Result<> write();
  Result<Received> complete();

  Contents& contents_;
  io::BlockingPool& pool_;
  std::unique_ptr<Writer> writer_;  // made on the pool when the first piece is written
  std::string piece_;
  Hasher md5_{Algorithm::kMd5};
  const std::optional<Algorithm> algorithm_;
  std::optional<Hasher> hasher_;  // SHA-256 is the content's digest
};

}  // namespace cusp::store::object
