#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/capability.h"
#include "io/task.h"
#include "store/object/bucket.h"

namespace cusp::host {

// An object that is being read: what it was when it was opened, or an error. Belongs to its shard;
// one call at a time.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;

  virtual uint64_t size() const = 0;
  virtual const store::object::FieldList& fields() const = 0;
  // Bytes from `offset`, at least one and `most` at most; none at the end.
  virtual io::Task<Result<std::string>> read(uint64_t offset, uint64_t most) = 0;
};

// Takes the content of one object piece by piece. What is not finished leaves no object. Belongs to
// its shard; one call at a time. After an error only the destructor is left.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;

  virtual io::Task<Result<>> append(std::string bytes) = 0;
  // Once, and last: what was there is replaced. Returns when it is stored.
  virtual io::Task<Result<>> finish() = 0;
};

struct ObjectStat {
  uint64_t size = 0;
  std::chrono::sys_seconds modified;
};

struct ObjectPage {
  std::vector<std::string> keys;    // in the order of their bytes
  std::optional<std::string> next;  // `after` of the next page; nothing: this is the last
};

enum class Copied {
  kDone,
  kNoObject,
  kApart,  // nothing is done: the two have no shorter way than through a reader and a writer
};

// The objects of one store, for one invocation. Belongs to its shard; readers and writers may
// outlive it. Errors beside those of store::object::Bucket: kPermissionDenied, kDeadlineExceeded.
class ObjectContainer {
 public:
  virtual ~ObjectContainer() = default;

  // Nothing: there is no such object.
  virtual io::Task<Result<std::optional<ObjectStat>>> stat(std::string key) = 0;
  virtual io::Task<Result<ObjectPage>> list(std::string after) = 0;
  // That there is nothing is no error.
  virtual io::Task<Result<>> remove(std::string key) = 0;
  // Null: there is no such object.
  virtual io::Task<Result<std::unique_ptr<ObjectReader>>> open(std::string key) = 0;
  virtual std::unique_ptr<ObjectWriter> create(std::string key,
                                               store::object::FieldList fields) = 0;
  // Copies to `to`, which lives until then, without the content passing here.
  virtual io::Task<Result<Copied>> copy(std::string key, ObjectContainer& to,
                                        std::string target) = 0;
};

// What a component knows an object store's name for, wherever it lies. Thread-safe.
class ObjectBackEnd {
 public:
  virtual ~ObjectBackEnd() = default;

  // Waits for nothing and nobody. `caller` is valid for this function only.
  virtual std::unique_ptr<ObjectContainer> connect(const Caller& caller) = 0;
};

// One of this node's own stores.
std::shared_ptr<ObjectBackEnd> make_embedded_objects(std::shared_ptr<store::object::Bucket> bucket);

}  // namespace cusp::host
