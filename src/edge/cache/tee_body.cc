#include "edge/cache/tee_body.h"

#include <utility>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

class TeeBody final : public http::Body {
 public:
  TeeBody(std::unique_ptr<http::Body> body, uint64_t bytes_max,
          std::function<void(Content, std::optional<http::Fields>)> done)
      : body_(std::move(body)), bytes_max_(bytes_max), done_(std::move(done)) {}

  io::Task<Result<http::BodyPart>> read() override {
    auto part = co_await body_->read();
    if (part) collect(*part);
    co_return part;
  }
  bool ready() override { return body_->ready(); }
  std::optional<Result<http::BodyPart>> try_read() override {
    auto part = body_->try_read();
    if (part && *part) collect(**part);
    return part;
  }
  std::optional<uint64_t> size() const override { return body_->size(); }

 private:
  void collect(const http::BodyPart& part) {
    if (!done_) return;
    if (content_.size + part.bytes().size() > bytes_max_) {
      done_ = nullptr;
      content_ = {};
      return;
    }
    content_.append(part.shared ? part.shared : std::make_shared<const std::string>(part.data));
    if (part.end) std::exchange(done_, nullptr)(compacted(std::move(content_)), part.trailers);
  }

  std::unique_ptr<http::Body> body_;
  const uint64_t bytes_max_;
  std::function<void(Content, std::optional<http::Fields>)> done_;
  Content content_;
};

}  // namespace

std::unique_ptr<http::Body> make_tee_body(
    std::unique_ptr<http::Body> body, uint64_t bytes_max,
    std::function<void(Content, std::optional<http::Fields>)> done) {
  return std::make_unique<TeeBody>(std::move(body), bytes_max, std::move(done));
}

Content compacted(Content content) {
  bool good = true;
  for (size_t i = 0; i < content.blocks.size(); ++i) {
    const std::string& block = *content.blocks[i];
    const bool last = i + 1 == content.blocks.size();
    good &= last ? block.capacity() <= block.size() + block.size() / 8 + 32
                 : block.size() >= limits::kBodyChunkBytes / 2;
  }
  if (good) return content;
  Content out;
  uint64_t left = content.size;
  std::string joined;
  joined.reserve(std::min<uint64_t>(left, limits::kBodyChunkBytes));
  for (const Block& block : content.blocks) {
    std::string_view rest = *block;
    while (!rest.empty()) {
      const size_t size = std::min(rest.size(), limits::kBodyChunkBytes - joined.size());
      joined.append(rest.substr(0, size));
      rest.remove_prefix(size);
      left -= size;
      if (joined.size() < limits::kBodyChunkBytes && left > 0) continue;
      out.append(std::make_shared<const std::string>(std::move(joined)));
      joined = {};
      joined.reserve(std::min<uint64_t>(left, limits::kBodyChunkBytes));
    }
  }
  return out;
}

}  // namespace cusp::edge::cache
