#include "edge/cache/file_content.h"

#include <algorithm>
#include <utility>

#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

// One chunk at a time, when its reader asks for it: that is the bound in memory.
class FileBody final : public http::Body {
 public:
  FileBody(ObjectPtr object, ByteRange range)
      : object_(std::move(object)), at_(range.first), end_(range.end) {
    whole_ = range == ByteRange{0, object_->content.size};
  }

  io::Task<Result<http::BodyPart>> read() override {
    const uint64_t in_chunk = at_ % FileHeader::kChunkBytes;
    auto bytes = co_await object_->file->read(at_ / FileHeader::kChunkBytes);
    if (!bytes) co_return std::unexpected(std::move(bytes.error()));
    const uint64_t size = std::min<uint64_t>(bytes->size() - in_chunk, end_ - at_);
    http::BodyPart part{.data = std::move(*bytes)};
    part.data.resize(in_chunk + size);
    part.data.erase(0, in_chunk);
    at_ += size;
    part.end = at_ == end_;
    if (part.end && whole_) part.trailers = object_->trailers;
    co_return part;
  }
  bool ready() override { return false; }
  std::optional<uint64_t> size() const override { return end_ - at_; }

 private:
  const ObjectPtr object_;
  uint64_t at_;
  const uint64_t end_;
  bool whole_;
};

}  // namespace

FileContent::FileContent(File file, FileHead head, io::BlockingPool& pool,
                         std::function<void()> spoilt)
    : file_(std::move(file)),
      bytes_(head.header.content_bytes),
      digests_(std::move(head.digests)),
      pool_(pool),
      spoilt_(std::move(spoilt)) {}

io::Task<Result<std::string>> FileContent::read(uint64_t chunk) const {
  std::optional<std::string> bytes;
  co_await pool_.run([&] {
    bytes = read_chunk(file_, bytes_, digests_, chunk);
    if (!bytes) spoilt_();
  });
  if (!bytes) co_return fail(ErrorCode::kUnavailable, "what the cache has on disk is spoilt");
  co_return std::move(*bytes);
}

std::unique_ptr<http::Body> make_file_body(ObjectPtr object, ByteRange range) {
  return std::make_unique<FileBody>(std::move(object), range);
}

}  // namespace cusp::edge::cache
