#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cusp::node {

// What the node answers to an authority that asks whether a name is its own (HTTP-01, RFC 8555
// section 8.3). Thread-safe: one object serves all shards.
class Challenges {
 public:
  void set(const std::string& token, std::string key_authorization);
  void remove(const std::string& token);

  // The answer to a request for `path`, without its query; none: it is no challenge of ours.
  std::optional<std::string> answer(std::string_view path) const;

 private:
  std::atomic<size_t> count_ = 0;  // most of the time there are none, and nobody waits for the lock
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> by_token_;
};

}  // namespace cusp::node
