#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "store/sql/connection.h"

namespace cusp::store::sql {

// The one place where the statements of a database change it: a thread with the connection that
// may write. Single statements that wait share a transaction, and so its fsync; each is answered
// once that is on disk. A session that begins a transaction has the thread to itself until it ends
// it, or has said nothing for too long.
class Writer {
 public:
  // `open`: the session has a transaction that goes on.
  using Done = std::move_only_function<void(Result<Rows>, bool open)>;
  // Names a session; 0 is none.
  using SessionId = uint64_t;

  // The file is made when it is missing. Errors: those of Connection::open.
  // `closing` outlives it.
  static Result<std::unique_ptr<Writer>> open(const std::string& path, const Limits& limits,
                                              const Closing& closing);
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `done` is called once, on the writer's thread, or at once when nothing more is taken; the
  // statement lives until then: its owner frees it, since memory that comes back on another thread
  // is slow. Any thread.
  void submit(SessionId session, const Statement& statement, Last last, Done done);
  // Runs `work` with the connection, between other sessions' transactions; after an error nothing
  // of it has happened.
  void submit(std::function<Result<Rows>(Connection&)> work, Done done);
  // Rolls back what the session has begun. Any thread.
  void end(SessionId session);
  // Ends what was submitted, and rolls back what was begun. Not to be called at once by several
  // threads.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Job {
    SessionId session = 0;
    const Statement* statement = nullptr;
    Last last;
    std::function<Result<Rows>(Connection&)> work;  // instead of a statement
    Done done;
    Clock::time_point submitted;
  };
  using Jobs = std::deque<Job>;

  Writer(std::unique_ptr<Connection> connection, const Limits& limits);
  void submit(Job job);
  void loop();
  Jobs take();
  bool may_run(const Job& job) const { return owner_ == 0 || owner_ == job.session; }
  void perform(Jobs jobs);
  bool perform_together(Jobs& jobs);
  void perform_one(Job job);
  Result<Rows> run(Job& job);
  bool groups(const Job& job);
  void roll_back();
  Error timed_out() const;

  const std::unique_ptr<Connection> connection_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Jobs queue_;
  SessionId owner_ = 0;               // of the transaction that is open
  Clock::time_point heard_;           // from the owner
  std::vector<SessionId> timed_out_;  // their transactions were rolled back, which they do not know
  std::vector<SessionId> ended_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace cusp::store::sql
