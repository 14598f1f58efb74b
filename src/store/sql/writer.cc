#include "store/sql/writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace cusp::store::sql {

namespace {

constexpr size_t kGroupMax = 256;  // statements that share a transaction

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(const std::string& path, const Limits& limits,
                                             const Closing& closing) {
  CUSP_TRY(auto connection, Connection::open(path, Connection::Role::kWriter, limits, closing));
  return std::unique_ptr<Writer>(new Writer(std::move(connection), limits));
}

Writer::Writer(std::unique_ptr<Connection> connection, const Limits& limits)
    : connection_(std::move(connection)), limits_(limits), thread_([this] { loop(); }) {}

void Writer::submit(SessionId session, const Statement& statement, Last last, Done done) {
  submit({.session = session, .statement = &statement, .last = last, .done = std::move(done)});
}

void Writer::submit(std::function<Result<Rows>(Connection&)> work, Done done) {
  submit({.work = std::move(work), .done = std::move(done)});
}

void Writer::submit(Job job) {
  job.submitted = Clock::now();
  std::unique_lock lock(mutex_);
  if (stopped_ || queue_.size() >= limits::kSqlWaitingMax) {
    const auto why = stopped_ ? fail(ErrorCode::kUnavailable, "the database is closed")
                              : fail(ErrorCode::kResourceExhausted,
                                     "too many statements wait for the database; try again later");
    lock.unlock();
    return job.done(why, false);
  }
  queue_.push_back(std::move(job));
  lock.unlock();
  arrived_.notify_one();
}

void Writer::end(SessionId session) {
  {
    std::lock_guard lock(mutex_);
    ended_.push_back(session);
  }
  arrived_.notify_one();
}

void Writer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Error Writer::timed_out() const {
  return {
      ErrorCode::kDeadlineExceeded,
      fmt::format("the transaction was rolled back: others waited, and no statement came for {} "
                  "ms",
                  limits_.transaction_idle.count()),
      {}};
}

// The next that may run; none: stopped, and all is done. Where a transaction is open that others
// wait for, its owner has until transaction_idle.
Writer::Jobs Writer::take() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool gone = owner_ != 0 && std::erase(ended_, owner_) > 0;
    for (const SessionId session : std::exchange(ended_, {})) std::erase(timed_out_, session);
    const auto runs = [this](const Job& job) { return may_run(job); };
    const bool ready = std::any_of(queue_.begin(), queue_.end(), runs);
    const bool idle = !queue_.empty() && Clock::now() > heard_ + limits_.transaction_idle;
    if (owner_ != 0 && !ready && (gone || idle || stopped_)) {
      if (!gone) timed_out_.push_back(owner_);
      owner_ = 0;
      roll_back();
      continue;
    }
    if (ready) break;
    if (stopped_ && queue_.empty()) return {};
    if (owner_ != 0 && !queue_.empty()) {
      arrived_.wait_until(lock, heard_ + limits_.transaction_idle);
    } else {
      arrived_.wait(lock);
    }
  }
  Jobs jobs;
  for (auto at = queue_.begin(); at != queue_.end() && jobs.size() < kGroupMax;) {
    if (!may_run(*at)) {
      ++at;
      continue;
    }
    jobs.push_back(std::move(*at));
    at = queue_.erase(at);
  }
  return jobs;
}

void Writer::roll_back() {
  if (!connection_->in_transaction()) return;
  if (auto done = connection_->execute("ROLLBACK"); !done) {
    log::error("a transaction cannot be rolled back: {}", done.error().to_string());
  }
}

void Writer::loop() {
  while (true) {
    auto jobs = take();
    if (jobs.empty()) break;
    perform(std::move(jobs));
    if (owner_ == 0) connection_->checkpoint();
  }
  roll_back();
}

bool Writer::groups(const Job& job) {
  if (job.work) return false;
  const auto prepared = connection_->prepare(job.statement->text);
  return prepared && (*prepared)->groups();
}

// Those behind one that begins a transaction go back to the queue, unless they are its session's.
void Writer::perform(Jobs jobs) {
  while (!jobs.empty()) {
    if (owner_ == 0) {
      const auto end = std::find_if_not(jobs.begin(), jobs.end(),
                                        [this](const Job& job) { return groups(job); });
      if (end - jobs.begin() > 1) {
        Jobs together(std::make_move_iterator(jobs.begin()), std::make_move_iterator(end));
        jobs.erase(jobs.begin(), end);
        if (perform_together(together)) continue;
        for (auto& job : together) perform_one(std::move(job));
        continue;
      }
    }
    const auto next =
        std::find_if(jobs.begin(), jobs.end(), [this](const Job& job) { return may_run(job); });
    if (next == jobs.end()) break;
    Job job = std::move(*next);
    jobs.erase(next);
    perform_one(std::move(job));
  }
  if (jobs.empty()) return;
  std::lock_guard lock(mutex_);
  std::move(jobs.rbegin(), jobs.rend(), std::front_inserter(queue_));
}

// One transaction around all of them. False: it did not come to its end, for the sake of one of
// them (a constraint that is checked at the end, ON CONFLICT ROLLBACK, a full disk), and nothing
// of it has happened.
bool Writer::perform_together(Jobs& jobs) {
  if (!connection_->execute("BEGIN IMMEDIATE")) return false;
  std::vector<Result<Rows>> answers;
  for (auto& job : jobs) {
    answers.push_back(run(job));
    if (!connection_->in_transaction()) return false;
  }
  if (!connection_->execute("COMMIT")) {
    roll_back();
    return false;
  }
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i].done(std::move(answers[i]), false);
  return true;
}

void Writer::perform_one(Job job) {
  if (std::erase(timed_out_, job.session) > 0) return job.done(std::unexpected(timed_out()), false);
  auto answer = job.work ? job.work(*connection_) : run(job);
  const bool open = connection_->in_transaction();
  {
    std::lock_guard lock(mutex_);
    owner_ = open ? job.session : 0;
    heard_ = Clock::now();
  }
  job.done(std::move(answer), open);
}

Result<Rows> Writer::run(Job& job) {
  const Clock::time_point deadline = job.submitted + limits_.time_max;
  if (Clock::now() > deadline) {
    return fail(ErrorCode::kDeadlineExceeded,
                "the database was busy for longer than the statement's "
                "time limit");
  }
  CUSP_TRY(Prepared * prepared, connection_->prepare(job.statement->text));
  return connection_->run(*prepared, *job.statement, {deadline}, job.last);
}

}  // namespace cusp::store::sql
