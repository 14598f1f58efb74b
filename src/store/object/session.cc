#include "store/object/session.h"

#include <optional>
#include <utility>

#include "io/task_runner.h"

namespace cusp::store::object {

namespace {

class BucketSession final : public Session {
 public:
  explicit BucketSession(std::shared_ptr<Bucket> bucket) : bucket_(std::move(bucket)) {}

  Result<> begin() override {
    incoming_.reset();
    incoming_.emplace(bucket_->receive());
    return {};
  }
  Result<> append(const std::string& bytes) override {
    if (!incoming_) return fail(ErrorCode::kInvalidArgument, "no object is coming in");
    auto appended = runner_.wait(incoming_->append(bytes));
    if (!appended) incoming_.reset();
    return appended;
  }
  Result<> put(const std::string& key, const FieldList& fields) override {
    if (!incoming_) return fail(ErrorCode::kInvalidArgument, "no object is coming in");
    auto received = runner_.wait(incoming_->finish());
    incoming_.reset();
    if (!received) return std::unexpected(std::move(received).error());
    CUSP_CHECK(runner_.wait(bucket_->put(key, std::move(*received), {.fields = fields})));
    return {};
  }

  Result<bool> open(const std::string& key) override {
    object_.reset();
    CUSP_TRY(auto found, runner_.wait(bucket_->get(key)));
    if (!found) return false;
    object_.emplace(std::move(*found));
    return true;
  }
  Result<std::string> read(uint64_t offset, uint64_t most) override {
    if (!object_) return fail(ErrorCode::kInvalidArgument, "no object is open");
    return runner_.wait(object_->read(offset, most));
  }

  Result<> remove(const std::string& key) override {
    CUSP_CHECK(runner_.wait(bucket_->remove(key)));
    return {};
  }
  Result<Listing> list(const ListOptions& options) override {
    return runner_.wait(bucket_->list(options));
  }

 private:
  const std::shared_ptr<Bucket> bucket_;
  io::TaskRunner runner_;
  std::optional<Incoming> incoming_;
  std::optional<Object> object_;
};

}  // namespace

std::unique_ptr<Session> make_session(std::shared_ptr<Bucket> bucket) {
  return std::make_unique<BucketSession>(std::move(bucket));
}

}  // namespace cusp::store::object
