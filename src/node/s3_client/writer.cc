#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "io/asio.h"
#include "node/s3_client/streams.h"

namespace cusp::node::s3_client {

namespace {

// Nobody waits for it; a service that does not hear it keeps the parts until its own rules end
// them.
io::Task<> abort(Service service, std::string key, std::string upload) {
  Ask ask{.method = "DELETE", .key = std::move(key), .query = {{"uploadId", std::move(upload)}}};
  co_await service.send(std::move(ask));
}

class S3Writer final : public host::ObjectWriter {
 public:
  S3Writer(Service service, std::string key, http::Fields fields)
      : service_(std::move(service)), key_(std::move(key)), fields_(std::move(fields)) {}

  ~S3Writer() override {
    if (upload_.empty()) return;
    io::asio::co_spawn(service_.executor(), abort(service_, std::move(key_), std::move(upload_)),
                       io::asio::detached);
  }

  io::Task<Result<>> append(std::string bytes) override {
    size_ += bytes.size();
    if (size_ > limits::kObjectBytesMax) {
      co_return fail(ErrorCode::kInvalidArgument,
                     fmt::format("an object has at most {} bytes", limits::kObjectBytesMax));
    }
    for (std::string_view rest = bytes; !rest.empty();) {
      if (piece_.size() == kS3PartBytes) CUSP_CO_CHECK(co_await send_part());
      const size_t room = std::min(rest.size(), kS3PartBytes - piece_.size());
      piece_.append(rest.substr(0, room));
      rest.remove_prefix(room);
    }
    co_return Result<>();
  }

  io::Task<Result<>> finish() override {
    if (!upload_.empty()) {
      CUSP_CO_CHECK(co_await send_part());
      co_return co_await complete();
    }
    Ask ask{.method = "PUT", .key = key_, .fields = fields_, .body = take_piece()};
    CUSP_CO_CHECK(co_await service_.send(std::move(ask)));
    co_return Result<>();
  }

 private:
  std::shared_ptr<const std::string> take_piece() {
    return std::make_shared<const std::string>(std::exchange(piece_, {}));
  }

  io::Task<Result<>> begin() {
    Ask ask{.method = "POST", .key = key_, .query = {{"uploads", ""}}, .fields = fields_};
    CUSP_CO_TRY(const s3::XmlElement document, co_await service_.send_for_document(std::move(ask)));
    upload_ = document.child_text("UploadId");
    if (upload_.empty() || upload_.size() > limits::kObjectKeyBytesMax) {
      upload_.clear();
      co_return service_.wrong("begins an upload without an id");
    }
    co_return Result<>();
  }

  io::Task<Result<>> send_part() {
    if (upload_.empty()) CUSP_CO_CHECK(co_await begin());
    Ask ask{.method = "PUT",
            .key = key_,
            .query = {{"partNumber", std::to_string(etags_.size() + 1)}, {"uploadId", upload_}},
            .body = take_piece()};
    CUSP_CO_TRY(const http::Response response, co_await service_.send(std::move(ask)));
    const auto etag = response.fields.get("etag");
    if (!etag) co_return service_.wrong("takes a part and gives no ETag");
    etags_.emplace_back(*etag);
    co_return Result<>();
  }

  io::Task<Result<>> complete() {
    s3::XmlWriter xml;
    xml.open_root("CompleteMultipartUpload");
    for (size_t i = 0; i < etags_.size(); ++i) {
      xml.open("Part");
      xml.element("PartNumber", i + 1);
      xml.element("ETag", etags_[i]);
      xml.close("Part");
    }
    xml.close("CompleteMultipartUpload");
    Ask ask{.method = "POST",
            .key = key_,
            .query = {{"uploadId", upload_}},
            .body = std::make_shared<const std::string>(xml.take())};
    CUSP_CO_CHECK(co_await service_.send_for_document(std::move(ask)));
    upload_.clear();
    co_return Result<>();
  }

  const Service service_;
  std::string key_;
  const http::Fields fields_;
  std::string piece_;
  uint64_t size_ = 0;
  std::string upload_;              // "": there is none
  std::vector<std::string> etags_;  // of the parts that were sent
};

}  // namespace

std::unique_ptr<host::ObjectWriter> make_writer(Service service, std::string key,
                                                const store::object::FieldList& fields) {
  http::Fields sent;
  for (const auto& [name, value] : fields) sent.try_add(name, value);
  return std::make_unique<S3Writer>(std::move(service), std::move(key), std::move(sent));
}

}  // namespace cusp::node::s3_client
