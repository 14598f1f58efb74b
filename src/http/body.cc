#include "http/body.h"

#include <fmt/format.h>

#include "io/asio.h"

#include "base/limits.h"

namespace cusp::http {
namespace {

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(std::string data) : data_(std::move(data)) {}

  io::Task<Result<BodyPart>> read() override { co_return next(); }
  bool ready() override { return true; }
  std::optional<Result<BodyPart>> try_read() override { return next(); }
  bool stands_alone() const override { return true; }
  std::optional<uint64_t> size() const override { return data_.size() - at_; }

 private:
  BodyPart next() {
    BodyPart part;
    size_t left = data_.size() - at_;
    if (at_ == 0 && left <= limits::kBodyChunkBytes) {
      part.data = std::move(data_);
      data_.clear();
      part.end = true;
      return part;
    }
    size_t size = std::min(left, limits::kBodyChunkBytes);
    part.data = data_.substr(at_, size);
    at_ += size;
    part.end = size == left;
    return part;
  }

  std::string data_;
  size_t at_ = 0;
};

std::string size_text(size_t bytes) {
  if (bytes % limits::kMiB == 0) return fmt::format("{} MiB", bytes / limits::kMiB);
  if (bytes % limits::kKiB == 0) return fmt::format("{} KiB", bytes / limits::kKiB);
  return fmt::format("{} bytes", bytes);
}

}  // namespace

std::unique_ptr<Body> make_body(std::string data) {
  return std::make_unique<MemoryBody>(std::move(data));
}

io::Task<Result<std::string>> read_all(Body* body, size_t bytes_max) {
  std::string text;
  while (body != nullptr) {
    CUSP_CO_TRY(const BodyPart part, co_await body->read());
    text.append(part.bytes());
    if (text.size() > bytes_max) {
      co_return fail(ErrorCode::kResourceExhausted,
                     fmt::format("the body is larger than {}", size_text(bytes_max)));
    }
    if (part.end) break;
  }
  co_return text;
}

}  // namespace cusp::http
