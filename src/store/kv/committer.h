#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "store/kv/store.h"

namespace rocksdb {
class DB;
}

namespace cusp::store::kv {

// The one place where writes become durable: a thread that takes all that waits, decides in order
// what each of them does, writes them as one batch with one fsync, and then answers them. What
// arrives meanwhile is the next batch: the slower the disk, the more writes share its fsync.
class Committer {
 public:
  using Done = std::move_only_function<void(Result<Written>)>;

  // `db` outlives it, and nobody else writes to it.
  Committer(rocksdb::DB& db, std::function<Time()> now);
  ~Committer() { stop(); }
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // `done` is called once, on the committer's thread, or at once when nothing more is taken: too
  // much is waiting, or it was stopped. Keys get `prefix`. Any thread.
  void submit(const std::string& prefix, Write write, Done done);

  // Nothing becomes durable for as long as the lock lives; what is submitted waits.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(gate_); }

  // Ends what was submitted. Not to be called at once by several threads.
  void stop();

 private:
  struct Waiting {
    std::string prefix;  // of the keys
    Write write;
    size_t bytes;
    Done done;
  };
  class Group;

  void run();
  std::vector<Waiting> take();
  void commit(std::vector<Waiting>& batch);

  rocksdb::DB& db_;
  const std::function<Time()> now_;
  uint64_t revision_;    // of the last write; the thread's
  bool failed_ = false;  // the last batch did not get to the disk; the thread's
  std::mutex gate_;      // held while a batch is written
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Waiting> queue_;
  size_t queue_bytes_ = 0;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace cusp::store::kv
