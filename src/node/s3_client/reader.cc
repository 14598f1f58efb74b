#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "node/s3_client/streams.h"

namespace cusp::node::s3_client {

namespace {

class S3Reader final : public host::ObjectReader {
 public:
  S3Reader(Service service, std::string key, uint64_t size, std::string etag,
           store::object::FieldList fields)
      : service_(std::move(service)),
        key_(std::move(key)),
        size_(size),
        etag_(std::move(etag)),
        fields_(std::move(fields)) {}

  uint64_t size() const override { return size_; }
  const store::object::FieldList& fields() const override { return fields_; }

  io::Task<Result<std::string>> read(uint64_t offset, uint64_t most) override {
    if (offset >= size_) co_return std::string();
    for (size_t tried = 1;; ++tried) {
      if (!body_ || offset != at_) CUSP_CO_CHECK(co_await start(offset));
      auto bytes = co_await next(std::min(most, size_ - offset));
      if (bytes) co_return bytes;
      body_.reset();
      if (tried >= kS3TriesMax) co_return bytes;
    }
  }

 private:
  // The object is to be the one that was opened: its entity tag is the condition.
  io::Task<Result<>> start(uint64_t offset) {
    body_.reset();
    Ask ask{.method = "GET", .key = key_};
    ask.fields.add("range", fmt::format("bytes={}-", offset));
    if (!ask.fields.try_add("if-match", etag_)) co_return service_.wrong("sends a broken ETag");
    CUSP_CO_TRY(http::Response response, co_await service_.send(std::move(ask)));
    const std::string range = fmt::format("bytes {}-{}/{}", offset, size_ - 1, size_);
    const bool whole = response.status == 200 && offset == 0;
    if (!whole && (response.status != 206 || response.fields.get("content-range") != range)) {
      co_return service_.wrong("sends another range than it was asked for");
    }
    body_ = std::move(response.body);
    at_ = offset;
    piece_.clear();
    ended_ = false;
    if (!body_) co_return service_.wrong("sends nothing of an object");
    co_return Result<>();
  }

  // What the stream has next. Its end is not that of the object: who comes here wants more.
  io::Task<Result<std::string>> next(uint64_t most) {
    while (piece_.empty()) {
      if (ended_) co_return service_.wrong("ends an object before its end");
      auto part = co_await body_->read();
      if (!part) co_return service_.wrong("breaks off: " + part.error().message);
      piece_ = part->bytes();
      ended_ = part->end;
    }
    std::string bytes = piece_.substr(0, most);
    piece_.erase(0, bytes.size());
    at_ += bytes.size();
    co_return bytes;
  }

  const Service service_;
  const std::string key_;
  const uint64_t size_;
  const std::string etag_;
  const store::object::FieldList fields_;
  std::unique_ptr<http::Body> body_;  // null: there is no stream
  uint64_t at_ = 0;                   // where the stream is
  std::string piece_;                 // read from the stream, and not asked for yet
  bool ended_ = false;                // the stream, behind `piece_`
};

}  // namespace

std::unique_ptr<host::ObjectReader> make_reader(Service service, std::string key, uint64_t size,
                                                std::string etag, store::object::FieldList fields) {
  return std::make_unique<S3Reader>(std::move(service), std::move(key), size, std::move(etag),
                                    std::move(fields));
}

}  // namespace cusp::node::s3_client
