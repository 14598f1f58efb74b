#include "edge/compression/compressed_body.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

class CompressedBody final : public http::Body {
 public:
  CompressedBody(std::unique_ptr<http::Body> body, std::unique_ptr<Encoder> encoder)
      : body_(std::move(body)), encoder_(std::move(encoder)) {}

  io::Task<Result<http::BodyPart>> read() override {
    // An encoder may keep all of a part for itself.
    while (!has_part()) {
      auto part = body_->try_read();
      if (!part) part = co_await body_->read();
      if (auto taken = take(*part); !taken) co_return std::unexpected(taken.error());
    }
    co_return next();
  }

  bool ready() override { return has_part() || body_->ready(); }

  std::optional<Result<http::BodyPart>> try_read() override {
    while (!has_part()) {
      auto part = body_->try_read();
      if (!part) return std::nullopt;
      if (auto taken = take(*part); !taken) return std::unexpected(taken.error());
    }
    return next();
  }

 private:
  bool has_part() const { return at_ < output_.size() || ended_; }

  Result<> take(Result<http::BodyPart>& part) {
    if (!part) return std::unexpected(part.error());
    ended_ = part->end;
    trailers_ = std::move(part->trailers);
    const auto flush = ended_           ? Encoder::Flush::kFinish
                       : body_->ready() ? Encoder::Flush::kNone
                                        : Encoder::Flush::kFlush;
    output_.clear();
    at_ = 0;
    return encoder_->write(part->bytes(), flush, output_);
  }

  // What cannot be compressed comes out a little larger than it went in.
  http::BodyPart next() {
    http::BodyPart part;
    if (at_ == 0 && output_.size() <= limits::kBodyChunkBytes) {
      part.data = std::exchange(output_, {});
    } else {
      part.data = output_.substr(at_, limits::kBodyChunkBytes);
      at_ += part.data.size();
    }
    part.end = ended_ && at_ >= output_.size();
    if (part.end) part.trailers = std::move(trailers_);
    return part;
  }

  const std::unique_ptr<http::Body> body_;
  const std::unique_ptr<Encoder> encoder_;
  std::string output_;
  size_t at_ = 0;  // of the output that has not been handed on
  bool ended_ = false;
  std::optional<http::Fields> trailers_;
};

}  // namespace

std::unique_ptr<http::Body> compress(std::unique_ptr<http::Body> body,
                                     std::unique_ptr<Encoder> encoder) {
  return std::make_unique<CompressedBody>(std::move(body), std::move(encoder));
}

}  // namespace cusp::edge
