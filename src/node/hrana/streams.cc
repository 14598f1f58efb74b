#include "node/hrana/streams.h"

#include <algorithm>

#include "base/base64.h"
#include "edge/auth/secret.h"

namespace cusp::node::hrana {

namespace {

constexpr size_t kBatonBytes = 24;

}  // namespace

std::string Streams::make_baton() { return base64url_encode(edge::random_bytes(kBatonBytes)); }

// What is to go, for the caller to destroy without the lock: a rollback takes its time.
Streams::List Streams::expired_or_surplus(Clock::time_point now, const std::string& owner) {
  List gone;
  while (!waiting_.empty() &&
         (now - waiting_.front().since >= kIdle || waiting_.size() > kStreamsMax)) {
    gone.splice(gone.end(), waiting_, waiting_.begin());
  }
  const auto is_owners = [&](const Waiting& one) { return one.stream->owner == owner; };
  if (std::ranges::count_if(waiting_, is_owners) > static_cast<ptrdiff_t>(kStreamsOfTokenMax)) {
    gone.splice(gone.end(), waiting_, std::ranges::find_if(waiting_, is_owners));
  }
  return gone;
}

Result<StreamPtr> Streams::take(const std::string& baton, const Token& token, std::string_view app,
                                std::string_view database) {
  List gone;
  const std::lock_guard lock(mutex_);
  gone = expired_or_surplus(Clock::now(), token.id);
  const auto found = std::ranges::find(waiting_, baton, &Waiting::baton);
  if (found == waiting_.end() || found->stream->owner != token.id || found->stream->app != app ||
      found->stream->database != database) {
    return fail(ErrorCode::kNotFound,
                "there is no stream of this baton: it has expired, or the baton was used before");
  }
  StreamPtr stream = std::move(found->stream);
  waiting_.erase(found);
  return stream;
}

void Streams::put(std::string baton, StreamPtr stream) {
  List gone;
  const std::lock_guard lock(mutex_);
  const std::string owner = stream->owner;
  waiting_.push_back({std::move(baton), Clock::now(), std::move(stream)});
  gone = expired_or_surplus(Clock::now(), owner);
}

}  // namespace cusp::node::hrana
