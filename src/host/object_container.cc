#include "host/object_container.h"

#include <utility>

namespace cusp::host {

namespace {

namespace object = store::object;
using BucketPtr = std::shared_ptr<object::Bucket>;  // shared with the component

class EmbeddedReader final : public ObjectReader {
 public:
  explicit EmbeddedReader(object::Object object) : object_(std::move(object)) {}

  uint64_t size() const override { return object_.head().size; }
  const object::FieldList& fields() const override { return object_.head().fields; }
  io::Task<Result<std::string>> read(uint64_t offset, uint64_t most) override {
    co_return co_await object_.read(offset, most);
  }

 private:
  object::Object object_;
};

class EmbeddedWriter final : public ObjectWriter {
 public:
  EmbeddedWriter(BucketPtr bucket, std::string key, object::FieldList fields)
      : bucket_(std::move(bucket)),
        key_(std::move(key)),
        fields_(std::move(fields)),
        incoming_(bucket_->receive()) {}

  io::Task<Result<>> append(std::string bytes) override {
    co_return co_await incoming_.append(bytes);
  }

  io::Task<Result<>> finish() override {
    CUSP_CO_TRY(object::Received received, co_await incoming_.finish());
    object::PutOptions options{.fields = std::move(fields_), .condition = {}};
    CUSP_CO_CHECK(co_await bucket_->put(std::move(key_), std::move(received), std::move(options)));
    co_return Result<>();
  }

 private:
  const BucketPtr bucket_;
  std::string key_;
  object::FieldList fields_;
  object::Incoming incoming_;
};

class EmbeddedContainer final : public ObjectContainer {
 public:
  explicit EmbeddedContainer(BucketPtr bucket) : bucket_(std::move(bucket)) {}

  io::Task<Result<std::optional<ObjectStat>>> stat(std::string key) override {
    CUSP_CO_TRY(const auto head, co_await bucket_->head(std::move(key)));
    if (!head) co_return std::nullopt;
    co_return ObjectStat{.size = head->size,
                         .modified = std::chrono::floor<std::chrono::seconds>(head->modified)};
  }

  io::Task<Result<ObjectPage>> list(std::string after) override {
    object::ListOptions options{.after = std::move(after)};
    CUSP_CO_TRY(object::Listing listing, co_await bucket_->list(std::move(options)));
    ObjectPage page{.keys = {}, .next = std::move(listing.next)};
    for (auto& head : listing.objects) page.keys.push_back(std::move(head.key));
    co_return page;
  }

  io::Task<Result<>> remove(std::string key) override {
    CUSP_CO_CHECK(co_await bucket_->remove(std::move(key)));
    co_return Result<>();
  }

  io::Task<Result<std::unique_ptr<ObjectReader>>> open(std::string key) override {
    CUSP_CO_TRY(auto object, co_await bucket_->get(std::move(key)));
    if (!object) co_return nullptr;
    co_return std::make_unique<EmbeddedReader>(std::move(*object));
  }

  std::unique_ptr<ObjectWriter> create(std::string key, object::FieldList fields) override {
    return std::make_unique<EmbeddedWriter>(bucket_, std::move(key), std::move(fields));
  }

  io::Task<Result<Copied>> copy(std::string key, ObjectContainer& to, std::string target) override {
    const auto* const other = dynamic_cast<EmbeddedContainer*>(&to);
    if (other == nullptr) co_return Copied::kApart;
    CUSP_CO_TRY(const auto source, co_await bucket_->get(std::move(key)));
    if (!source) co_return Copied::kNoObject;
    object::PutOptions options{.fields = source->head().fields, .condition = {}};
    CUSP_CO_CHECK(co_await other->bucket_->copy(*source, std::move(target), std::move(options)));
    co_return Copied::kDone;
  }

 private:
  const BucketPtr bucket_;
};

class EmbeddedObjects final : public ObjectBackEnd {
 public:
  explicit EmbeddedObjects(BucketPtr bucket) : bucket_(std::move(bucket)) {}

  std::unique_ptr<ObjectContainer> connect(const Caller&) override {
    return std::make_unique<EmbeddedContainer>(bucket_);
  }

 private:
  const BucketPtr bucket_;
};

}  // namespace

std::shared_ptr<ObjectBackEnd> make_embedded_objects(std::shared_ptr<object::Bucket> bucket) {
  return std::make_shared<EmbeddedObjects>(std::move(bucket));
}

}  // namespace cusp::host
