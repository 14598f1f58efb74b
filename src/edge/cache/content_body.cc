#include "edge/cache/content_body.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "edge/cache/file_content.h"
#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

class ContentBody final : public http::Body {
 public:
  // `content` lives as long as `owner`.
  ContentBody(std::shared_ptr<const void> owner, const Content& content,
              const std::optional<http::Fields>* trailers)
      : owner_(std::move(owner)), content_(content), trailers_(trailers), left_(content.size) {}

  io::Task<Result<http::BodyPart>> read() override { co_return next(false); }
  bool ready() override { return true; }
  std::optional<Result<http::BodyPart>> try_read() override { return next(true); }
  bool stands_alone() const override { return true; }
  std::optional<uint64_t> size() const override { return left_; }

 private:
  http::BodyPart next(bool may_share) {
    http::BodyPart part;
    if (left_ > 0) {
      const std::string& block = *content_.blocks[block_];
      const size_t size = std::min(block.size() - at_, limits::kBodyChunkBytes);
      if (may_share && size == block.size()) {
        part.shared = content_.blocks[block_];
      } else {
        part.data.assign(block, at_, size);
      }
      at_ += size;
      left_ -= size;
      if (at_ == block.size()) {
        at_ = 0;
        ++block_;
      }
    }
    part.end = left_ == 0;
    if (part.end && trailers_ != nullptr) part.trailers = *trailers_;
    return part;
  }

  std::shared_ptr<const void> owner_;  // shared: with the store, which may let go of it any time
  const Content& content_;
  const std::optional<http::Fields>* trailers_;
  uint64_t left_;
  size_t block_ = 0;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<http::Body> make_content_body(ObjectPtr object) {
  const Object& stored = *object;
  if (stored.file) return make_file_body(std::move(object), {0, stored.content.size});
  return std::make_unique<ContentBody>(std::move(object), stored.content, &stored.trailers);
}

std::unique_ptr<http::Body> make_content_body(const ObjectPtr& object, ByteRange range) {
  if (object->file) return make_file_body(object, range);
  return make_content_body(object->content.cut(range));
}

std::unique_ptr<http::Body> make_content_body(Content content) {
  auto owner = std::make_shared<const Content>(std::move(content));
  const Content& kept = *owner;
  return std::make_unique<ContentBody>(std::move(owner), kept, nullptr);
}

}  // namespace cusp::edge::cache
