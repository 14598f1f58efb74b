#pragma once

#include <string>
#include <string_view>

namespace cusp::http {

// The body bytes of one HTTP/2 stream that have come and were not read yet; flow control bounds
// them.
class H2Inbox {
 public:
  void add(std::string_view data) { data_.append(data); }
  bool empty() const { return at_ == data_.size(); }
  size_t size() const { return data_.size() - at_; }
  // The next bytes, at most limits::kBodyChunkBytes.
  std::string take();
  // Forgets what is there; how much that was.
  size_t discard();

 private:
  std::string data_;  // bytes before at_ are taken
  size_t at_ = 0;
};

}  // namespace cusp::http
