#include "edge/assets/body.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

class AssetBody final : public http::Body {
 public:
  AssetBody(AssetPtr asset, SharedFile::Ptr file, std::vector<AssetSegment> segments,
            io::BlockingPool& blocking)
      : asset_(std::move(asset)),
        file_(std::move(file)),
        segments_(std::move(segments)),
        blocking_(blocking) {
    for (const auto& segment : segments_) left_ += segment.size();
  }

  io::Task<Result<http::BodyPart>> read() override {
    if (in_memory()) co_return next(false);
    const uint64_t at = position();
    std::string data(next_size(), '\0');
    if (!read_cached(data, at)) {
      bool done = false;
      co_await blocking_.run([&] { done = read_waiting(data, at); });
      if (!done) co_return fail(ErrorCode::kDataLoss, "the file changed while it was sent");
    }
    co_return finish({.data = std::move(data)});
  }

  bool ready() override { return in_memory(); }

  std::optional<Result<http::BodyPart>> try_read() override {
    if (!in_memory()) return std::nullopt;
    return next(true);
  }

  bool give_back(size_t bytes) override {
    if (at_ < bytes) at_ = segments_[--segment_].size();
    if (!segments_[segment_].text.empty()) {
      skip_whole_segment();
      return false;
    }
    at_ -= bytes;
    left_ += bytes;
    return true;
  }

  bool stands_alone() const override { return true; }

  std::optional<uint64_t> size() const override { return left_; }

 private:
  // Of what is in memory.
  http::BodyPart next(bool may_share) {
    http::BodyPart part;
    if (left_ > 0) {
      const AssetSegment& segment = segments_[segment_];
      const bool is_text = !segment.text.empty();
      const std::string& from = is_text ? segment.text : *asset_->content;
      const size_t size = next_size();
      if (may_share && !is_text && size == from.size()) {
        part.shared = asset_->content;
      } else {
        part.data.assign(from, is_text ? at_ : position(), size);
      }
    }
    return finish(std::move(part));
  }

  bool is_unchanged() const {
    struct stat status{};
    return ::fstat(*file_, &status) == 0 && FileIdentity(status) == asset_->identity;
  }

  // Reads what the kernel has in memory, without waiting; false: it has not all of it.
  bool read_cached(std::string& data, uint64_t at) const {
    const iovec whole{.iov_base = data.data(), .iov_len = data.size()};
    const ssize_t got = ::preadv2(*file_, &whole, 1, static_cast<off_t>(at), RWF_NOWAIT);
    return got == static_cast<ssize_t>(data.size()) && is_unchanged();
  }

  // The same from the disk; false: the file is not what it was.
  bool read_waiting(std::string& data, uint64_t at) const {
    size_t got = 0;
    while (got < data.size()) {
      const ssize_t more =
          ::pread(*file_, data.data() + got, data.size() - got, static_cast<off_t>(at + got));
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) return false;
      got += static_cast<size_t>(more);
    }
    return is_unchanged();
  }

  bool in_memory() const {
    return left_ == 0 || asset_->content || !segments_[segment_].text.empty();
  }
  // In the file, of the next byte.
  uint64_t position() const { return segments_[segment_].range.first + at_; }
  size_t next_size() const {
    return std::min<uint64_t>(segments_[segment_].size() - at_, limits::kBodyChunkBytes);
  }

  http::BodyPart finish(http::BodyPart part) {
    const size_t size = part.bytes().size();
    left_ -= size;
    at_ += size;
    skip_whole_segment();
    part.end = left_ == 0;
    return part;
  }

  void skip_whole_segment() {
    if (left_ == 0 || at_ < segments_[segment_].size()) return;
    ++segment_;
    at_ = 0;
  }

  const AssetPtr asset_;                      // shared: with the store
  const SharedFile::Ptr file_;                // shared: with all who read it
  const std::vector<AssetSegment> segments_;  // none of them empty
  io::BlockingPool& blocking_;
  uint64_t left_ = 0;
  size_t segment_ = 0;
  uint64_t at_ = 0;  // in the segment
};

}  // namespace

std::unique_ptr<http::Body> make_asset_body(AssetPtr asset, SharedFile::Ptr file,
                                            std::vector<AssetSegment> segments,
                                            io::BlockingPool& blocking) {
  return std::make_unique<AssetBody>(std::move(asset), std::move(file), std::move(segments),
                                     blocking);
}

}  // namespace cusp::edge
