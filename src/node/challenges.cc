#include "node/challenges.h"

namespace cusp::node {

namespace {

constexpr std::string_view kFolder = "/.well-known/acme-challenge/";

}  // namespace

void Challenges::set(const std::string& token, std::string key_authorization) {
  const std::lock_guard lock(mutex_);
  by_token_[token] = std::move(key_authorization);
  count_ = by_token_.size();
}

void Challenges::remove(const std::string& token) {
  const std::lock_guard lock(mutex_);
  by_token_.erase(token);
  count_ = by_token_.size();
}

std::optional<std::string> Challenges::answer(std::string_view path) const {
  if (count_ == 0 || !path.starts_with(kFolder)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = by_token_.find(path.substr(kFolder.size()));
  if (found == by_token_.end()) return std::nullopt;
  return found->second;
}

}  // namespace cusp::node
