#include "node/s3_client/objects.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "edge/cache/date.h"
#include "node/s3/operation.h"
#include "node/s3_client/service.h"
#include "node/s3_client/streams.h"

namespace cusp::node::s3_client {

namespace {

namespace object = store::object;

constexpr size_t kPageKeys = 1000;

class S3Container final : public host::ObjectContainer {
 public:
  explicit S3Container(Service service) : service_(std::move(service)) {}

  io::Task<Result<std::optional<host::ObjectStat>>> stat(std::string key) override {
    CUSP_CO_TRY(const auto head, co_await find(std::move(key)));
    if (!head) co_return std::nullopt;
    co_return head->stat;
  }

  io::Task<Result<host::ObjectPage>> list(std::string after) override {
    const std::string& prefix = service_.bucket().prefix;
    Ask ask{.method = "GET",
            .key = std::nullopt,
            .query = {{"list-type", "2"},
                      {"encoding-type", "url"},
                      {"max-keys", std::to_string(kPageKeys)},
                      {"prefix", prefix}}};
    if (!after.empty()) ask.query.emplace_back("start-after", prefix + after);
    CUSP_CO_TRY(const s3::XmlElement document, co_await service_.send_for_document(std::move(ask)));
    host::ObjectPage page;
    for (const auto& entry : document.children) {
      if (entry.name != "Contents") continue;
      // Amazon's services write a space as "+", others as "%20".
      std::string written(entry.child_text("Key"));
      std::ranges::replace(written, '+', ' ');
      const auto key = s3::uri_decode(written);
      // In order and under the prefix, or the next page may begin anywhere, for ever.
      if (!key || !key->starts_with(prefix) || key->substr(prefix.size()) <= after) {
        co_return service_.wrong("lists what it was not asked for");
      }
      after = key->substr(prefix.size());
      page.keys.push_back(after);
    }
    if (document.child_text("IsTruncated") == "true") {
      if (page.keys.empty()) co_return service_.wrong("lists nothing and says that there is more");
      page.next = page.keys.back();
    }
    co_return page;
  }

  io::Task<Result<>> remove(std::string key) override {
    Ask ask{.method = "DELETE", .key = std::move(key)};
    const auto removed = co_await service_.send(std::move(ask));
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
      co_return std::unexpected(removed.error());
    }
    co_return Result<>();
  }

  io::Task<Result<std::unique_ptr<host::ObjectReader>>> open(std::string key) override {
    CUSP_CO_TRY(auto head, co_await find(key));
    if (!head) co_return nullptr;
    co_return make_reader(service_, std::move(key), head->stat.size, std::move(head->etag),
                          std::move(head->fields));
  }

  std::unique_ptr<host::ObjectWriter> create(std::string key, object::FieldList fields) override {
    return make_writer(service_, std::move(key), fields);
  }

  io::Task<Result<host::Copied>> copy(std::string key, ObjectContainer& to,
                                      std::string target) override {
    const auto* const other = dynamic_cast<S3Container*>(&to);
    if (other == nullptr || !same_service(*other)) co_return host::Copied::kApart;
    CUSP_CO_CHECK(service_.check(key));
    // S3 refuses to copy an object to itself.
    if (service_.copy_source(key) == other->service_.copy_source(target)) {
      CUSP_CO_TRY(const auto head, co_await find(std::move(key)));
      co_return head ? host::Copied::kDone : host::Copied::kNoObject;
    }
    Ask ask{.method = "PUT", .key = std::move(target)};
    ask.fields.add("x-amz-copy-source", service_.copy_source(key));
    const auto copied = co_await other->service_.send_for_document(std::move(ask));
    if (copied) co_return host::Copied::kDone;
    if (copied.error().code == ErrorCode::kNotFound) co_return host::Copied::kNoObject;
    co_return std::unexpected(copied.error());
  }

 private:
  struct Head {
    host::ObjectStat stat;
    std::string etag;
    object::FieldList fields;
  };

  bool same_service(const S3Container& other) const {
    const app::S3Bucket& a = service_.bucket();
    const app::S3Bucket& b = other.service_.bucket();
    return a.scheme == b.scheme && a.authority == b.authority && a.region == b.region &&
           a.access_key_id == b.access_key_id;
  }

  io::Task<Result<std::optional<Head>>> find(std::string key) const {
    Ask ask{.method = "HEAD", .key = std::move(key)};
    const auto response = co_await service_.send(std::move(ask));
    if (!response) {
      if (response.error().code == ErrorCode::kNotFound) co_return std::nullopt;
      co_return std::unexpected(response.error());
    }
    const std::string_view size = response->fields.get("content-length").value_or("");
    Head head{.etag = std::string(response->fields.get("etag").value_or(""))};
    const auto [end, error] =
        std::from_chars(size.data(), size.data() + size.size(), head.stat.size);
    if (error != std::errc() || end != size.data() + size.size() || head.etag.empty()) {
      co_return service_.wrong("tells of an object without Content-Length or ETag");
    }
    const auto now = std::chrono::system_clock::now();
    const auto modified =
        edge::cache::parse_date(response->fields.get("last-modified").value_or(""),
                                std::chrono::floor<std::chrono::milliseconds>(now));
    head.stat.modified = modified.value_or(std::chrono::sys_seconds());
    head.fields = s3::kept_fields(response->fields);
    co_return head;
  }

  const Service service_;
};

class S3Objects final : public host::ObjectBackEnd {
 public:
  explicit S3Objects(app::S3Bucket bucket)
      : bucket_(std::make_shared<const app::S3Bucket>(std::move(bucket))) {}

  std::unique_ptr<host::ObjectContainer> connect(const host::Caller& caller) override {
    return std::make_unique<S3Container>(Service(bucket_, caller));
  }

 private:
  const BucketPtr bucket_;
};

}  // namespace

std::shared_ptr<host::ObjectBackEnd> make_s3_objects(app::S3Bucket bucket) {
  return std::make_shared<S3Objects>(std::move(bucket));
}

}  // namespace cusp::node::s3_client
