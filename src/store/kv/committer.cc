#include "store/kv/committer.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "store/kv/entry.h"
#include "store/kv/status.h"

namespace cusp::store::kv {

namespace {

// A batch is bounded so that those at its head do not wait for the copying of those behind.
constexpr size_t kBatchBytesMax = 8 * limits::kMiB;

size_t bytes_of(const Write& write) {
  size_t bytes = sizeof(Write);
  for (const auto& change : write) {
    bytes += sizeof(Change) + change.key.size() + change.value.size() + change.metadata.size();
  }
  return bytes;
}

}  // namespace

// One batch on its way to the disk, and what keys have in it so far: a later write of the batch
// must see an earlier one, which the database does not have yet.
class Committer::Group {
 public:
  Group(rocksdb::DB& db, Time now, uint64_t revision) : db_(db), now_(now), revision_(revision) {}

  // What the write answers once the batch is on disk. After an error, or with a condition that is
  // not met, the batch is as it was.
  Result<Written> add(const std::string& prefix, const Write& write);

  rocksdb::WriteBatch& batch() { return batch_; }
  uint64_t revision() const { return revision_; }

 private:
  // What a condition or an increment asks about a key.
  struct Current {
    uint64_t revision = 0;  // 0: it is not there
    std::optional<Time> expires;
    std::string metadata;
    std::optional<int64_t> number;  // of a counter
  };
  using Keys = std::unordered_map<std::string, Current>;

  Result<Current> current(const std::string& key, const Keys& fresh) const;
  Result<> apply(const Change& change, const std::string& key, Keys& fresh, Written& written,
                 rocksdb::WriteBatch& batch);
  static Result<int64_t> sum(const Current& now, const Change& change);

  rocksdb::DB& db_;
  const Time now_;
  uint64_t revision_;
  rocksdb::WriteBatch batch_;
  Keys keys_;
};

Result<Committer::Group::Current> Committer::Group::current(const std::string& key,
                                                            const Keys& fresh) const {
  for (const Keys* keys : {&fresh, &keys_}) {
    if (const auto found = keys->find(key); found != keys->end()) return found->second;
  }
  rocksdb::PinnableSlice bytes;
  const auto status =
      db_.Get(rocksdb::ReadOptions(), db_.DefaultColumnFamily(), rocksdb::Slice(key), &bytes);
  if (status.IsNotFound()) return Current{};
  if (!status.ok()) return std::unexpected(to_error(status));
  const auto entry = decode_entry(bytes.ToStringView());
  if (!entry) return std::unexpected(not_an_entry());
  if (entry->expired(now_)) return Current{};
  return Current{.revision = entry->revision,
                 .expires = entry->expires,
                 .metadata = std::string(entry->metadata),
                 .number = decode_number(entry->value)};
}

Result<int64_t> Committer::Group::sum(const Current& now, const Change& change) {
  int64_t result = change.delta;
  if (now.revision == 0) return result;
  if (!now.number) {
    return fail(ErrorCode::kInvalidArgument,
                "this key's value is not a counter: only a value of 8 bytes can be incremented");
  }
  if (__builtin_add_overflow(*now.number, change.delta, &result)) {
    return fail(ErrorCode::kInvalidArgument, "the counter would leave the range of 64 bits");
  }
  return result;
}

Result<> Committer::Group::apply(const Change& change, const std::string& key, Keys& fresh,
                                 Written& written, rocksdb::WriteBatch& batch) {
  if (change.kind == Change::Kind::kCheck) return {};
  if (change.kind == Change::Kind::kDelete) {
    batch.Delete(key);
    fresh[key] = {};
    return {};
  }
  Current next{.revision = written.revision, .expires = change.expires};
  if (change.kind == Change::Kind::kSet) {
    next.metadata = change.metadata;
    next.number = decode_number(change.value);
    batch.Put(key, encode_entry({.revision = next.revision,
                                 .expires = next.expires,
                                 .metadata = next.metadata,
                                 .value = change.value}));
  } else {
    CUSP_TRY(const Current now, current(key, fresh));
    CUSP_TRY(next.number, sum(now, change));
    next.expires = now.expires;
    next.metadata = now.metadata;
    written.sums.push_back(*next.number);
    batch.Put(key, encode_entry({.revision = next.revision,
                                 .expires = next.expires,
                                 .metadata = next.metadata,
                                 .value = encode_number(*next.number)}));
  }
  fresh[key] = std::move(next);
  return {};
}

Result<Written> Committer::Group::add(const std::string& prefix, const Write& write) {
  Written written{.revision = revision_ + 1};
  Keys fresh;
  for (const auto& change : write) {
    if (!change.expected) continue;
    CUSP_TRY(const Current now, current(prefix + change.key, fresh));
    if (now.revision != *change.expected) return Written{.applied = false};
  }
  batch_.SetSavePoint();
  for (const auto& change : write) {
    if (auto done = apply(change, prefix + change.key, fresh, written, batch_); !done) {
      batch_.RollbackToSavePoint();
      return std::unexpected(std::move(done).error());
    }
  }
  batch_.PopSavePoint();
  revision_ = written.revision;
  for (auto& [key, current] : fresh) keys_.insert_or_assign(key, std::move(current));
  return written;
}

// Every write takes at least one of the database's sequence numbers, so its last one is not below
// any revision that was given out.
Committer::Committer(rocksdb::DB& db, std::function<Time()> now)
    : db_(db),
      now_(std::move(now)),
      revision_(db.GetLatestSequenceNumber()),
      thread_([this] { run(); }) {}

void Committer::submit(const std::string& prefix, Write write, Done done) {
  const size_t bytes = bytes_of(write);
  std::unique_lock lock(mutex_);
  if (stopped_) {
    lock.unlock();
    return done(fail(ErrorCode::kUnavailable, "the key-value stores are closed"));
  }
  if (queue_bytes_ + bytes > limits::kKvWaitingBytesMax) {
    lock.unlock();
    return done(fail(ErrorCode::kResourceExhausted,
                     "more is waiting to be written than the disk keeps up with; try again later"));
  }
  queue_bytes_ += bytes;
  queue_.push_back({prefix, std::move(write), bytes, std::move(done)});
  lock.unlock();
  arrived_.notify_one();
}

void Committer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// Nothing: stopped, and all is done.
std::vector<Committer::Waiting> Committer::take() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
  size_t bytes = 0;
  const auto end = std::find_if(queue_.begin(), queue_.end(), [&](const Waiting& waiting) {
    if (bytes >= kBatchBytesMax) return true;
    bytes += waiting.bytes;
    return false;
  });
  queue_bytes_ -= bytes;
  if (end == queue_.end()) return std::exchange(queue_, {});
  std::vector<Waiting> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return batch;
}

void Committer::run() {
  while (true) {
    auto batch = take();
    if (batch.empty()) return;
    commit(batch);
  }
}

void Committer::commit(std::vector<Waiting>& batch) {
  const std::lock_guard lock(gate_);
  // RocksDB takes no writes after an error until it is told to try again, which it does if the disk
  // was full. After any other one it is not known what of the log is on disk: it refuses for good.
  if (failed_) db_.Resume().PermitUncheckedError();
  Group group(db_, now_(), revision_);
  std::vector<Result<Written>> answers;
  answers.reserve(batch.size());
  for (const auto& waiting : batch) answers.push_back(group.add(waiting.prefix, waiting.write));
  rocksdb::Status status;
  if (group.batch().Count() > 0) {
    rocksdb::WriteOptions options;
    options.sync = true;
    status = db_.Write(options, &group.batch());
    failed_ = !status.ok();
    // Also after an error: some of it may be there.
    revision_ = group.revision();
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool lost = !status.ok() && answers[i] && answers[i]->applied;
    batch[i].done(lost ? std::unexpected(to_error(status)) : std::move(answers[i]));
  }
}

}  // namespace cusp::store::kv
