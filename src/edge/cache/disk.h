#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "edge/cache/object.h"
#include "edge/cache/purge.h"
#include "io/blocking_pool.h"
#include "io/task.h"

namespace cusp::edge::cache {

class ObjectFileWriter;  // disk_file.h

// The disk tier: one file for each object in a directory that only one process has at a time.
// Thread-safe; files are written, read and looked through on threads of its own. What is in the
// directory is found after a restart, while the first requests are served already; what is not what
// was written is removed and never used.
class Disk {
 public:
  class Writer;
  // What is read as a whole, and may go to memory.
  static constexpr uint64_t kWholeBytesMax = limits::kMiB;

  // Makes the directory where there is none. Errors: kAlreadyExists when another process has it,
  // kPermissionDenied, kUnavailable.
  static Result<std::unique_ptr<Disk>> open(const std::string& directory, uint64_t bytes_max);
  // Waits for what is to be written.
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Writes it soon, in place of the file of the same key and variance; not when more is waiting to
  // be written than the disk keeps up with, nor a part, a coded form, nor what is there already.
  // `wanted` tells on a thread of the disk whether it is still to be there: it may have been purged
  // while it waited.
  void write(ObjectPtr object, std::function<bool()> wanted = [] { return true; });
  // The same on this thread, before it returns.
  void write_at_once(const Object& object);
  // For what is too large for memory: takes its place on disk when it is whole.
  std::unique_ptr<Writer> begin(const Object& object);
  // What a validation has changed of an object whose content stays on disk. Kept in memory alone:
  // after a restart it is validated once more.
  void refresh(const Object& object);
  // Removes the file of the same key and variance.
  void remove(const Object& object);
  // Whether something may be stored for the key. Cheap.
  bool may_have(const std::string& key) const;
  // What is stored for the key; content of more than `whole_bytes_max` stays on disk
  // (Object::file). The awaiting coroutine goes on on its shard.
  io::Task<std::vector<ObjectPtr>> load(std::string key, Time now,
                                        uint64_t whole_bytes_max = kWholeBytesMax);
  // Removes files before it returns, or marks them. The number of objects.
  size_t purge(const Purge& purge);
  // Waits for what was asked of it so far.
  void settle();

  uint64_t bytes() const { return bytes_; }
  size_t objects() const;
  uint64_t errors() const { return errors_; }

 private:
  struct Entry {
    ObjectPtr head;   // without fields and content: what purges look at
    ObjectPtr newer;  // since a validation; null: what the file says
    uint64_t bytes = 0;
    uint8_t hits = 0;
    std::list<std::string>::iterator place;  // in order_
  };

  Disk(std::string directory, uint64_t bytes_max, int lock);
  void scan();
  ObjectPtr read_now(const std::string& name, Time now, uint64_t whole_bytes_max);
  bool finish(ObjectFileWriter& writer, const std::string& name, const Object& object, bool good);
  void discard(const std::string& name);
  void add(const std::string& name, const Object& object, uint64_t bytes);
  // With the lock; the file itself is the caller's to remove.
  void forget(const std::string& name);
  std::vector<std::string> candidates(const Purge& purge) const;
  void make_room();
  bool is_there(const std::string& name, const Object& object) const;
  void remove_file(const std::string& name);
  std::string path_of(const std::string& name) const;
  std::unique_ptr<ObjectFileWriter> make_writer(const std::string& name) const;

  const std::string directory_;
  const uint64_t bytes_max_;
  const int lock_;  // a descriptor
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;                   // by file name
  std::unordered_map<std::string, std::vector<std::string>> names_;  // by "k" and key, "u" and URL
  std::list<std::string> order_;                                     // oldest last
  bool scanning_ = true;
  std::vector<Purge> purged_while_scanning_;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> waiting_bytes_ = 0;
  std::atomic<uint64_t> errors_ = 0;
  std::atomic<bool> closing_ = false;
  static constexpr size_t kThreads = 2;
  io::BlockingPool pool_{kThreads};  // last: its threads use the rest
};

// One response on its way to disk. Belongs to one coroutine; gone before it is committed, it leaves
// nothing behind. The disk outlives it.
class Disk::Writer {
 public:
  ~Writer();
  // False: it cannot be written, and goes no further.
  io::Task<bool> append(Block block);
  // The content is whole; `object` is what is known of it. False: it could not be written.
  io::Task<bool> commit(const Object& object);

 private:
  friend class Disk;
  Writer(Disk& disk, std::string name);

  Disk& disk_;
  const std::string name_;
  std::unique_ptr<ObjectFileWriter> file_;
};

}  // namespace cusp::edge::cache
