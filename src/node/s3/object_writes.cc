#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "io/asio.h"
#include "node/s3/checksums.h"
#include "node/s3/conditions.h"
#include "node/s3/operation.h"
#include "node/s3/xml.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;

constexpr size_t kDocumentBytesMax = 2 * limits::kMiB;
constexpr ptrdiff_t kDeletedMax = 1000;

// One of the keys of DeleteObjects.
io::Task<Answer<>> remove_one(Operation& operation, std::string key, const XmlElement& entry) {
  const std::string_view version = entry.child_text("VersionId");
  if (!version.empty() && version != kOnlyVersion) co_return no_such_version();
  const std::string etag(entry.child_text("ETag"));
  object::Condition condition;
  if (!etag.empty()) {
    http::Fields fields;
    fields.try_add("if-match", etag);
    condition = write_condition(fields);
  }
  CUSP_CO_TRY(const bool removed,
              co_await operation.bucket->remove(std::move(key), std::move(condition)));
  if (!removed) co_return precondition_failed();
  co_return Answer<>();
}

// The same, answered.
io::Task<> delete_one(Operation& operation, const XmlElement& entry, bool quiet, XmlWriter& xml) {
  const std::string key(entry.child_text("Key"));
  const auto removed = co_await remove_one(operation, key, entry);
  if (removed && quiet) co_return;
  const std::string_view element = removed ? "Deleted" : "Error";
  xml.open(element);
  xml.element("Key", key);
  if (!removed) {
    xml.element("Code", removed.error().code);
    xml.element("Message", removed.error().message);
  }
  xml.close(element);
}

}  // namespace

Done put_object(Operation& operation) {
  CUSP_CO_TRY(auto received, co_await receive(operation, std::nullopt));
  const http::Fields& fields = operation.request.fields;
  object::PutOptions options{.fields = kept_fields(fields), .condition = write_condition(fields)};
  CUSP_CO_TRY(const auto head, co_await operation.bucket->put(
                                   operation.target.key, std::move(received), std::move(options)));
  if (!head) {
    CUSP_CO_TRY(const auto present, co_await operation.bucket->head(operation.target.key));
    co_return not_met(fields, present.has_value());
  }
  http::Response response;
  response.fields.add("etag", quoted(head->etag));
  if (head->checksum) add_checksum(*head->checksum, response.fields);
  co_return response;
}

Done copy_object(Operation& operation) {
  const http::Fields& fields = operation.request.fields;
  bool same = false;
  CUSP_CO_TRY(const auto source, co_await copy_source(operation, same));
  const bool replaces = fields.get("x-amz-metadata-directive") == "REPLACE";
  if (same && !replaces) {
    co_return refuse(400, "InvalidRequest",
                     "This copy request is illegal because it is trying to copy an object to "
                     "itself without changing the object's metadata.");
  }
  object::PutOptions options{.fields = replaces ? kept_fields(fields) : source.head().fields,
                             .condition = write_condition(fields)};
  CUSP_CO_TRY(const auto head,
              co_await operation.bucket->copy(source, operation.target.key, std::move(options)));
  if (!head) co_return precondition_failed();
  XmlWriter xml;
  xml.open_root("CopyObjectResult");
  xml.element("LastModified", iso_time(head->modified));
  xml.element("ETag", quoted(head->etag));
  write_checksum(*head, xml);
  xml.close("CopyObjectResult");
  co_return xml_response(200, std::move(xml));
}

Done delete_object(Operation& operation) {
  const http::Fields& fields = operation.request.fields;
  CUSP_CO_TRY(const bool removed,
              co_await operation.bucket->remove(operation.target.key, write_condition(fields)));
  if (!removed) co_return precondition_failed();
  co_return http::Response{.status = 204};
}

Done delete_objects(Operation& operation) {
  CUSP_CO_TRY(const auto payload, Payload::create(operation.request, operation.verified));
  CUSP_CO_TRY(const std::string text, co_await payload->read_all(kDocumentBytesMax));
  const auto document = parse_xml(text);
  const auto is_object = [](const XmlElement& entry) { return entry.name == "Object"; };
  if (!document || document->name != "Delete" || document->children.empty() ||
      std::ranges::count_if(document->children, is_object) > kDeletedMax) {
    co_return refuse(400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema");
  }
  const bool quiet = document->child_text("Quiet") == "true";
  XmlWriter xml;
  xml.open_root("DeleteResult");
  for (const auto& entry : document->children) {
    if (!is_object(entry)) continue;
    co_await delete_one(operation, entry, quiet, xml);
  }
  xml.close("DeleteResult");
  co_return xml_response(200, std::move(xml));
}

}  // namespace cusp::node::s3
