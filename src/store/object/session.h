#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/object/bucket.h"

namespace cusp::store::object {

// What a command does with the objects of one bucket, one after the other: at most one is coming in
// and one is being read. Holds a few pieces of them in memory, however large they are. Blocks. Used
// by one thread. Errors of every function: those of Bucket, and kInvalidArgument (in an order that
// makes no sense).
class Session {
 public:
  virtual ~Session() = default;

  // The content of the next put() begins; what came and was not put leaves nothing.
  virtual Result<> begin() = 0;
  // After an error it has to begin again.
  virtual Result<> append(const std::string& bytes) = 0;
  // Returns once the object is on disk.
  virtual Result<> put(const std::string& key, const FieldList& fields) = 0;

  // The object that read() reads from now on. False: there is none.
  virtual Result<bool> open(const std::string& key) = 0;
  // See Object::read().
  virtual Result<std::string> read(uint64_t offset, uint64_t most) = 0;

  virtual Result<> remove(const std::string& key) = 0;
  virtual Result<Listing> list(const ListOptions& options) = 0;
};

// For a bucket that this process has open.
std::unique_ptr<Session> make_session(std::shared_ptr<Bucket> bucket);

}  // namespace cusp::store::object
