#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/task.h"
#include "store/object/head.h"
#include "store/object/incoming.h"

namespace cusp::store::object {

class Index;

// An object that is being read: what it was when it was opened, also if it is written over or
// deleted meanwhile. On one shard; one call at a time.
class Object {
 public:
  Object(std::shared_ptr<Index> index, Head head);
  ~Object();
  Object(Object&&) noexcept;

  const Head& head() const { return head_; }
  // Bytes from `offset`, at least one and `most` at most; none at the end. Errors: kDataLoss (not
  // what was written: none are returned), kUnavailable.
  io::Task<Result<std::string>> read(uint64_t offset, uint64_t most);

 private:
  Result<std::string> read_blocking(uint64_t offset, uint64_t most);

  std::shared_ptr<Index> index_;  // shared with the bucket
  Head head_;
  std::vector<std::unique_ptr<Pin>> pins_;
  std::optional<Reader> reader_;  // of the content that begins at `reader_begin_`
  uint64_t reader_begin_ = 0;
};

struct ListOptions {
  std::string prefix;
  std::string delimiter;  // keys that have it behind the prefix are shown as one, up to it
  std::string after;      // only what comes behind; "": from the first
  size_t limit = 1000;    // of objects and prefixes together
};

struct Listing {
  std::vector<Head> objects;  // key, size, etag and modified; in the order of the keys' bytes
  std::vector<std::string> prefixes;
  // ListOptions::after of the next page; nothing: this is the last. A page may be short.
  std::optional<std::string> next;
};

struct CompletedPart {
  uint32_t number = 0;
  std::string etag;
  std::string checksum;  // its bytes; "": the client does not say
};

struct CompleteOptions {
  Condition condition;               // empty: always
  std::optional<Checksum> checksum;  // that the object is to have
  std::optional<uint64_t> size;      // the same
};

enum class Completion {
  kDone,
  kNoUpload,  // there is none, or not any more
  kConditionNotMet,
  kInvalidPart,   // a part that was not sent, or with another entity tag or checksum
  kInvalidOrder,  // the numbers do not grow
  kPartTooSmall,  // one before the last has less than limits::kObjectPartBytesMin
  kWrongChecksum,
  kWrongSize,
};

// The objects that one app keeps in one store. Thread-safe. Errors of every function:
// kInvalidArgument (a key or fields beyond the limits), kDataLoss, kUnavailable (the disk, or the
// stores are closed), kResourceExhausted (disk full).
class Bucket {
 public:
  // `prefix`: "APP\0STORE\0".
  Bucket(std::shared_ptr<Index> index, std::string prefix)
      : index_(std::move(index)), prefix_(std::move(prefix)) {}

  // Takes the content of an object that put() or put_part() then names.
  Incoming receive(std::optional<Algorithm> algorithm = std::nullopt) const;

  // What is there is replaced. Returns once it is on disk. Nothing: the condition was not met.
  io::Task<Result<std::optional<Head>>> put(std::string key, Received received, PutOptions options);
  io::Task<Result<std::optional<Head>>> head(std::string key) const;
  io::Task<Result<std::optional<Object>>> get(std::string key) const;
  // False: the condition was not met. That there is nothing is no error.
  io::Task<Result<bool>> remove(std::string key, Condition condition = {});
  io::Task<Result<Listing>> list(ListOptions options) const;
  // Writes `to` with the content of `source`, of whatever bucket, without its bytes being copied.
  // `source` lives until then. Nothing: the condition was not met.
  io::Task<Result<std::optional<Head>>> copy(const Object& source, std::string to,
                                             PutOptions options);

  // Uploads in parts (multipart.cc).
  io::Task<Result<Upload>> begin_upload(std::string key, FieldList fields,
                                        std::optional<UploadChecksum> checksum = std::nullopt);
  io::Task<Result<std::optional<Upload>>> upload(std::string key, std::string id) const;
  // Nothing: there is no such upload. `received` has the checksum that the upload wants.
  io::Task<Result<std::optional<Part>>> put_part(std::string key, std::string id, uint32_t number,
                                                 Received received);
  // In the order of their numbers, behind `after`.
  io::Task<Result<std::vector<Part>>> parts(std::string key, std::string id, uint32_t after,
                                            size_t limit) const;
  // In the order of keys, at most `limit`.
  io::Task<Result<std::vector<Upload>>> uploads(std::string prefix, size_t limit) const;
  // `head` gets what was written. The parts become one object; what was sent and is not named goes.
  io::Task<Result<Completion>> complete(std::string key, std::string id,
                                        std::vector<CompletedPart> parts, CompleteOptions options,
                                        Head& head);
  // False: there is no such upload.
  io::Task<Result<bool>> abort(std::string key, std::string id);

 private:
  io::Task<Result<std::optional<Head>>> replace(Head next, const Condition& condition);
  io::Task<Result<>> clear_parts(std::string key, std::string id);

  std::shared_ptr<Index> index_;  // shared with the node's other buckets
  std::string prefix_;
};

}  // namespace cusp::store::object
