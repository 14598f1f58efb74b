#include "http/h2_inbox.h"

#include <utility>

#include "base/limits.h"

namespace cusp::http {

std::string H2Inbox::take() {
  if (at_ == 0 && data_.size() <= limits::kBodyChunkBytes) return std::exchange(data_, {});
  std::string part = data_.substr(at_, limits::kBodyChunkBytes);
  at_ += part.size();
  if (at_ == data_.size()) {
    data_.clear();
    at_ = 0;
  }
  return part;
}

size_t H2Inbox::discard() {
  const size_t left = size();
  std::string().swap(data_);
  at_ = 0;
  return left;
}

}  // namespace cusp::http
