#include "edge/auth/key_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

// Without any key nothing works: then another attempt comes sooner.
constexpr std::chrono::milliseconds kPauseWithoutKeys{1000};

}  // namespace

KeySource::KeySource(std::vector<Key> keys)
    : keys_(std::make_shared<const std::vector<Key>>(std::move(keys))) {}

KeySource::KeySource(Remote remote) : remote_(std::move(remote)) {}

KeySource::KeysPtr KeySource::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

std::chrono::milliseconds KeySource::pause() const {
  return keys() ? remote_->pause : std::min(remote_->pause, kPauseWithoutKeys);
}

bool KeySource::is_needed(bool unknown) const {
  const std::lock_guard lock(mutex_);
  return unknown || !keys_ || Clock::now() >= fetched_ + remote_->lifetime;
}

bool KeySource::wants_refresh(bool unknown) const {
  if (!remote_ || !is_needed(unknown)) return false;
  // Old keys are good enough while somebody fetches new ones.
  if (flight_.running()) return unknown || !keys();
  return flight_.is_due(pause());
}

io::Task<void> KeySource::refresh(ShardContext& shard, bool unknown) {
  if (!remote_ || !is_needed(unknown)) co_return;
  if (!flight_.try_begin(pause())) co_return co_await flight_.wait(shard);
  const SingleFlight::Guard guard(flight_);
  auto fetched = co_await ask(shard);
  if (!fetched) {
    log::warn("no keys from {}://{}{}: {}", remote_->url.scheme, remote_->url.authority,
              remote_->url.target, fetched.error().to_string());
    co_return;
  }
  const std::lock_guard lock(mutex_);
  keys_ = std::make_shared<const std::vector<Key>>(std::move(*fetched));
  fetched_ = Clock::now();
}

io::Task<Result<std::vector<Key>>> KeySource::ask(ShardContext& shard) const {
  FetchRequest request{.url = remote_->url,
                       .fields = {{"accept", "application/json"}},
                       .private_addresses = remote_->private_addresses};
  CUSP_CO_TRY(const Fetched fetched, co_await fetch(shard, std::move(request)));
  if (fetched.status != 200) {
    co_return fail(ErrorCode::kUnavailable, fmt::format("it answers {}", fetched.status));
  }
  co_return parse_key_set(fetched.body);
}

}  // namespace cusp::edge
