#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/task.h"

// Key-value stores: what an app keeps under a name, as bytes. A write is a value (Write) that is
// handed to one place, made durable there and then applied; a read looks at this machine alone.
namespace cusp::store::kv {

using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

struct Entry {
  std::string value;
  std::string metadata;
  std::optional<Time> expires;  // never shown from then on
  uint64_t revision = 0;        // of the write that made it; grows from write to write
};

// What a write does to one key. Limits: base/limits.h, kKv….
struct Change {
  // kCheck changes nothing and is there for `expected`.
  enum class Kind : uint8_t { kSet, kDelete, kIncrement, kCheck };

  Kind kind = Kind::kSet;
  std::string key;
  std::string value;            // kSet
  std::string metadata;         // the same; kIncrement leaves what is there
  std::optional<Time> expires;  // the same
  int64_t delta = 0;            // kIncrement: of a value of 8 bytes, little endian; absent is 0
  // The whole write happens only if the key's revision is this one; 0: if the key is not there.
  std::optional<uint64_t> expected;

  static Change set(std::string key, std::string value) {
    return {.kind = Kind::kSet, .key = std::move(key), .value = std::move(value)};
  }
  static Change erase(std::string key) { return {.kind = Kind::kDelete, .key = std::move(key)}; }
  static Change check(std::string key, uint64_t expected) {
    return {.kind = Kind::kCheck, .key = std::move(key), .expected = expected};
  }
  static Change increment(std::string key, int64_t delta) {
    return {.kind = Kind::kIncrement, .key = std::move(key), .delta = delta};
  }
};

// Happens as a whole or not at all; a later change sees what an earlier one did.
using Write = std::vector<Change>;

struct Written {
  bool applied = true;        // false: some Change::expected was not met, and nothing has changed
  uint64_t revision = 0;      // what the changed keys have now
  std::vector<int64_t> sums;  // of each kIncrement, in their order
};

struct ListOptions {
  std::string prefix;
  std::string after;  // only keys behind this one; "": from the first
  size_t limit = 1000;
};

struct Listed {
  std::string key;
  std::string metadata;
  std::optional<Time> expires;
  uint64_t revision = 0;
};

struct Page {
  std::vector<Listed> keys;  // in the order of their bytes
  std::optional<std::string>
      next;  // ListOptions::after of the next page; nothing: this is the last
};

// One store. Thread-safe. Errors of every function: kInvalidArgument (a key or value beyond the
// limits), kDataLoss (what is on disk is not what was written), kUnavailable (the disk, or the
// database is closed), kResourceExhausted (disk full, or too much is waiting to be written).
class Store {
 public:
  virtual ~Store() = default;

  // The entry (or that there is none), where memory has the answer: microseconds, for a shard.
  // Nothing: only get() can tell.
  virtual std::optional<Result<std::optional<Entry>>> try_get(std::string_view key) const = 0;
  virtual io::Task<Result<std::optional<Entry>>> get(std::string key) const = 0;
  virtual io::Task<Result<Page>> list(ListOptions options) const = 0;
  // Returns once it is on disk, and readers have seen it since. After an error of the disk it is
  // not known whether the write happened.
  virtual io::Task<Result<Written>> write(Write write) = 0;

  // The same three for who is on a thread of the blocking pool already.
  virtual Result<std::optional<Entry>> get_blocking(std::string_view key) const = 0;
  virtual Result<Page> list_blocking(const ListOptions& options) const = 0;
  virtual Result<Written> write_blocking(Write write) = 0;
};

}  // namespace cusp::store::kv
