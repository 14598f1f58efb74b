#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "edge/cache/object.h"
#include "http/message.h"
#include "io/asio.h"
#include "io/event.h"

namespace cusp::edge::cache {

// One request to the origin on behalf of everybody who waits for the same. The producer runs on one
// shard; readers come from any shard, now or later, and each gets the whole body from its start.
// All functions are thread-safe; coroutines go on on the shard of who awaits them.
class Fill : public std::enable_shared_from_this<Fill> {
 public:
  // What came of it, for a reader.
  struct Outcome {
    enum class Kind : uint8_t {
      kAlone,   // the response is not for sharing: the leader takes it, the others ask themselves
      kObject,  // it is there, complete: validated, or stale in place of an error
      kBody,    // its head is there, the body follows: read it with body()
    };
    Kind kind = Kind::kAlone;
    ObjectPtr object;                        // of kBody: without content
    std::optional<uint64_t> length;          // of the body that follows, where it is known
    std::optional<uint16_t> forward_status;  // the origin's
    bool stored = false;
    const char* detail = "";
  };

  // ---- for the producer

  // Once, before anything else of these. The response of kAlone is the leader's.
  void settle(Outcome outcome, std::optional<http::Response> lone = std::nullopt);
  void append(Block block);
  void finish(std::optional<http::Fields> trailers);
  // What readers have is a part of something that will never be whole: they get the error.
  void fail(Error error);
  // From here on blocks are forgotten when all readers have them, and wait_for_readers() holds the
  // producer back, and tells whether anybody reads.
  void stop_keeping();
  io::Task<bool> wait_for_readers(io::Executor executor);

  // ---- for readers

  io::Task<Outcome> wait(io::Executor executor);
  // The leader's own, after kAlone; once.
  http::Response take_lone();
  // The body, or the bytes of it in `range`. Null when it has been forgotten in part already.
  std::unique_ptr<http::Body> body(io::Executor executor, std::optional<uint64_t> length,
                                   std::optional<ByteRange> range = std::nullopt);

 private:
  friend class FillBody;
  // Somebody on some shard who waits for something to happen here.
  struct Waiter {
    explicit Waiter(io::Executor on) : executor(on), event(on) {}
    io::Executor executor;
    io::Event event;
  };
  // A waiter for as long as its coroutine or body lives: nothing of a shard stays behind here.
  struct Waiting {
    Waiting(Fill& of, io::Executor executor);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    Fill& fill;
    std::shared_ptr<Waiter> waiter;  // shared: with a notification that is on its way
  };
  struct Cursor {
    size_t next = 0;  // the number of the block to read
  };
  enum class Phase : uint8_t { kAsking, kSettled, kDone, kFailed };

  void wake_all();
  void trim();

  std::mutex mutex_;
  Phase phase_ = Phase::kAsking;
  Outcome outcome_;
  std::optional<http::Response> lone_;
  std::vector<Block> blocks_;
  size_t forgotten_ = 0;  // blocks before blocks_
  bool keeping_ = true;
  std::optional<http::Fields> trailers_;
  std::optional<Error> error_;
  std::list<Cursor> cursors_;
  std::vector<std::shared_ptr<Waiter>> waiters_;  // shared: with the coroutine that waits
};

// The fills under way by key, and the keys whose responses were not for sharing a moment ago, so
// that requests for these do not queue up behind each other. Thread-safe.
class Fills {
 public:
  struct Joined {
    std::shared_ptr<Fill> fill;
    bool leads = false;  // nobody else asks: start it
  };
  Joined join(const std::string& key);
  // No more readers; those that have joined stay.
  void close(const std::string& key, const std::shared_ptr<Fill>& fill);

  void mark(const std::string& key, Time until);
  bool is_marked(const std::string& key, Time now);

 private:
  static constexpr size_t kMarksMax = 16 * 1024;

  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Fill>> fills_;
  std::unordered_map<std::string, Time> marks_;
};

}  // namespace cusp::edge::cache
