#include "edge/observed_body.h"

#include "io/asio.h"

namespace cusp::edge {

namespace {

class ObservedBody final : public http::Body {
 public:
  ObservedBody(std::unique_ptr<http::Body> body, std::unique_ptr<Record> record, Observer& observer,
               std::chrono::steady_clock::time_point began)
      : body_(std::move(body)), record_(std::move(record)), observer_(observer), began_(began) {}

  ~ObservedBody() override {
    record_->total = std::chrono::steady_clock::now() - began_;
    observer_.ended(*record_);
  }

  io::Task<Result<http::BodyPart>> read() override {
    auto part = co_await body_->read();
    count(part);
    co_return part;
  }
  std::optional<Result<http::BodyPart>> try_read() override {
    auto part = body_->try_read();
    if (part) count(*part);
    return part;
  }
  bool ready() override { return body_->ready(); }
  bool give_back(size_t bytes) override {
    if (!body_->give_back(bytes)) return false;
    record_->body_bytes -= bytes;
    record_->complete = false;
    return true;
  }
  bool stands_alone() const override { return body_->stands_alone(); }
  std::optional<uint64_t> size() const override { return body_->size(); }

 private:
  void count(const Result<http::BodyPart>& part) {
    if (!part) return;
    record_->body_bytes += part->bytes().size();
    record_->complete = part->end;
  }

  const std::unique_ptr<http::Body> body_;
  const std::unique_ptr<Record> record_;
  Observer& observer_;
  const std::chrono::steady_clock::time_point began_;
};

}  // namespace

std::unique_ptr<http::Body> observe(std::unique_ptr<http::Body> body,
                                    std::unique_ptr<Record> record, Observer& observer,
                                    std::chrono::steady_clock::time_point began) {
  return std::make_unique<ObservedBody>(std::move(body), std::move(record), observer, began);
}

}  // namespace cusp::edge
