#include "edge/cache/fill.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace cusp::edge::cache {

namespace {

// How many blocks a producer is ahead of the slowest reader of what is not kept.
constexpr size_t kBlocksAhead = 16;

}  // namespace

Fill::Waiting::Waiting(Fill& of, io::Executor executor)
    : fill(of), waiter(std::make_shared<Waiter>(executor)) {}

Fill::Waiting::~Waiting() {
  const std::lock_guard lock(fill.mutex_);
  std::erase(fill.waiters_, waiter);
}

// ---- the producer

void Fill::wake_all() {
  for (std::shared_ptr<Waiter>& waiter : std::exchange(waiters_, {})) {
    const io::Executor executor = waiter->executor;
    // The last reference goes on the shard that the event belongs to.
    io::asio::post(executor, [waiter = std::move(waiter)] { waiter->event.notify(); });
  }
}

void Fill::settle(Outcome outcome, std::optional<http::Response> lone) {
  const std::lock_guard lock(mutex_);
  CUSP_ASSERT(phase_ == Phase::kAsking);
  phase_ = Phase::kSettled;
  outcome_ = std::move(outcome);
  lone_ = std::move(lone);
  wake_all();
}

void Fill::append(Block block) {
  if (block->empty()) return;
  const std::lock_guard lock(mutex_);
  blocks_.push_back(std::move(block));
  if (cursors_.empty()) trim();
  wake_all();
}

void Fill::finish(std::optional<http::Fields> trailers) {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::kDone;
  trailers_ = std::move(trailers);
  wake_all();
}

void Fill::fail(Error error) {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::kFailed;
  error_ = std::move(error);
  wake_all();
}

void Fill::stop_keeping() {
  const std::lock_guard lock(mutex_);
  keeping_ = false;
  trim();
}

void Fill::trim() {
  if (keeping_) return;
  size_t least = forgotten_ + blocks_.size();
  for (const Cursor& cursor : cursors_) least = std::min(least, cursor.next);
  blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(least - forgotten_));
  forgotten_ = least;
}

io::Task<bool> Fill::wait_for_readers(io::Executor executor) {
  const Waiting waiting(*this, executor);
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (cursors_.empty()) co_return false;
      if (blocks_.size() < kBlocksAhead) co_return true;
      waiters_.push_back(waiting.waiter);
    }
    co_await waiting.waiter->event.wait();
  }
}

// ---- readers

io::Task<Fill::Outcome> Fill::wait(io::Executor executor) {
  const auto keep = shared_from_this();
  const Waiting waiting(*this, executor);
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (phase_ != Phase::kAsking) co_return outcome_;
      waiters_.push_back(waiting.waiter);
    }
    // The origin has deadlines of its own: an answer always comes.
    co_await waiting.waiter->event.wait();
  }
}

http::Response Fill::take_lone() {
  const std::lock_guard lock(mutex_);
  CUSP_ASSERT(lone_.has_value());
  return *std::exchange(lone_, std::nullopt);
}

// What one reader reads.
class FillBody final : public http::Body {
 public:
  FillBody(std::shared_ptr<Fill> fill, io::Executor executor, std::optional<uint64_t> length,
           std::optional<ByteRange> range)
      : fill_(std::move(fill)), waiting_(*fill_, executor), left_(length) {
    if (range) {
      skip_ = range->first;
      left_ = range->size();
      cut_ = true;
    }
    const std::lock_guard lock(fill_->mutex_);
    cursor_ = fill_->cursors_.emplace(fill_->cursors_.end(), Fill::Cursor{fill_->forgotten_});
  }
  ~FillBody() override {
    const std::lock_guard lock(fill_->mutex_);
    fill_->cursors_.erase(cursor_);
    fill_->trim();
    if (!fill_->keeping_) fill_->wake_all();
  }

  io::Task<Result<http::BodyPart>> read() override {
    while (true) {
      if (auto part = next(true)) co_return std::move(*part);
      co_await waiting_.waiter->event.wait();
    }
  }
  bool ready() override {
    if (!next_) next_ = next(false);
    return next_.has_value();
  }
  std::optional<Result<http::BodyPart>> try_read() override { return next(false); }
  std::optional<uint64_t> size() const override { return left_; }

 private:
  std::optional<Result<http::BodyPart>> next(bool wait) {
    if (next_) return std::exchange(next_, std::nullopt);
    const std::lock_guard lock(fill_->mutex_);
    http::BodyPart part;
    while (part.data.empty() && !(cut_ && left_ == 0)) {
      const size_t at = cursor_->next - fill_->forgotten_;
      if (at == fill_->blocks_.size()) break;
      take(*fill_->blocks_[at], part);
    }
    part.end = cut_ ? left_ == 0 : at_end();
    if (part.end && !cut_) part.trailers = fill_->trailers_;
    if (!part.data.empty() || part.end) return part;
    if (fill_->phase_ == Fill::Phase::kFailed) return std::unexpected(*fill_->error_);
    if (fill_->phase_ == Fill::Phase::kDone)
      return fail(ErrorCode::kUnavailable, "the response is shorter than it said");
    if (wait) fill_->waiters_.push_back(waiting_.waiter);
    return std::nullopt;
  }

  bool at_end() const {
    return fill_->phase_ == Fill::Phase::kDone &&
           cursor_->next - fill_->forgotten_ == fill_->blocks_.size();
  }

  void take(const std::string& block, http::BodyPart& part) {
    const size_t skipped = std::min<uint64_t>(skip_, block.size() - at_);
    skip_ -= skipped;
    at_ += skipped;
    size_t size = std::min(block.size() - at_, limits::kBodyChunkBytes);
    if (cut_) size = std::min<uint64_t>(size, *left_);
    part.data.assign(block, at_, size);
    if (left_) *left_ -= std::min<uint64_t>(*left_, size);
    at_ += size;
    if (at_ < block.size()) return;
    at_ = 0;
    ++cursor_->next;
    fill_->trim();
    if (!fill_->keeping_) fill_->wake_all();
  }

  std::shared_ptr<Fill> fill_;
  Fill::Waiting waiting_;
  std::list<Fill::Cursor>::iterator cursor_;
  std::optional<Result<http::BodyPart>> next_;
  std::optional<uint64_t> left_;
  uint64_t skip_ = 0;
  size_t at_ = 0;     // in the block that is next
  bool cut_ = false;  // ends before the fill does
};

std::unique_ptr<http::Body> Fill::body(io::Executor executor, std::optional<uint64_t> length,
                                       std::optional<ByteRange> range) {
  {
    const std::lock_guard lock(mutex_);
    if (forgotten_ > 0) return nullptr;
  }
  return std::make_unique<FillBody>(shared_from_this(), executor, length, range);
}

// ---- the table

Fills::Joined Fills::join(const std::string& key) {
  const std::lock_guard lock(mutex_);
  auto& fill = fills_[key];
  const bool leads = fill == nullptr;
  if (leads) fill = std::make_shared<Fill>();
  return {fill, leads};
}

void Fills::close(const std::string& key, const std::shared_ptr<Fill>& fill) {
  const std::lock_guard lock(mutex_);
  const auto found = fills_.find(key);
  if (found != fills_.end() && found->second == fill) fills_.erase(found);
}

void Fills::mark(const std::string& key, Time until) {
  const std::lock_guard lock(mutex_);
  // Losing the marks costs a little waiting; keeping them all would cost memory without end.
  if (marks_.size() >= kMarksMax) marks_.clear();
  marks_[key] = until;
}

bool Fills::is_marked(const std::string& key, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = marks_.find(key);
  if (found == marks_.end()) return false;
  if (now < found->second) return true;
  marks_.erase(found);
  return false;
}

}  // namespace cusp::edge::cache
