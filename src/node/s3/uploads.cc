#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/limits.h"
#include "edge/cache/range.h"
#include "io/asio.h"
#include "node/s3/checksums.h"
#include "node/s3/conditions.h"
#include "node/s3/operation.h"
#include "node/s3/xml.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;

constexpr size_t kDocumentBytesMax = 4 * limits::kMiB;

std::unexpected<Failure> no_such_upload() {
  return refuse(404, "NoSuchUpload",
                "The specified multipart upload does not exist. The upload ID may be invalid, or "
                "the upload may have been aborted or completed.");
}

Answer<uint32_t> part_number(const Target& target) {
  CUSP_TRY(const uint64_t number,
           number_parameter(target, "partNumber", 0, limits::kObjectPartsMax));
  if (number == 0) {
    return invalid_argument(fmt::format(
        "Part number must be an integer between 1 and {}, inclusive", limits::kObjectPartsMax));
  }
  return static_cast<uint32_t>(number);
}

// <CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"…"</ETag></Part>…
Answer<std::vector<object::CompletedPart>> parse_parts(std::string_view text,
                                                       const object::Upload& upload) {
  const auto malformed = [] {
    return refuse(400, "MalformedXML",
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
  };
  const auto document = parse_xml(text);
  if (!document || document->name != "CompleteMultipartUpload") return malformed();
  std::vector<object::CompletedPart> parts;
  for (const auto& entry : document->children) {
    if (entry.name != "Part") return malformed();
    const std::string_view number = entry.child_text("PartNumber");
    std::string_view etag = entry.child_text("ETag");
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
      etag = etag.substr(1, etag.size() - 2);
    }
    object::CompletedPart part{.etag = std::string(etag)};
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), part.number);
    if (error != std::errc() || end != number.data() + number.size() || etag.empty()) {
      return malformed();
    }
    if (const auto algorithm = upload.algorithm()) {
      const std::string_view checksum = entry.child_text(checksum_element(*algorithm));
      const auto bytes = base64_decode(checksum);
      if (!bytes || (!checksum.empty() && bytes->size() != checksum_bytes(*algorithm))) {
        return malformed();
      }
      part.checksum = *bytes;
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty() || parts.size() > limits::kObjectPartsMax) return malformed();
  return parts;
}

std::unexpected<Failure> refuse_completion(object::Completion completion,
                                           const http::Fields& fields, bool present) {
  switch (completion) {
    case object::Completion::kConditionNotMet: return not_met(fields, present);
    case object::Completion::kInvalidPart:
      return refuse(400, "InvalidPart",
                    "One or more of the specified parts could not be found. The part may not have "
                    "been uploaded, or the specified entity tag may not match the part's entity "
                    "tag.");
    case object::Completion::kInvalidOrder:
      return refuse(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
    case object::Completion::kPartTooSmall:
      return refuse(400, "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size");
    case object::Completion::kWrongChecksum:
      return refuse(400, "BadDigest",
                    "The checksum you specified did not match the calculated checksum.");
    case object::Completion::kWrongSize:
      return refuse(400, "InvalidRequest",
                    "The provided 'x-amz-mp-object-size' header does not match what was computed.");
    default: return no_such_upload();
  }
}

// What the fields say about the object. They are taken away: of the document they say nothing.
Answer<object::CompleteOptions> take_options(http::Fields& fields, const object::Upload& upload) {
  object::CompleteOptions options{.condition = write_condition(fields)};
  CUSP_TRY(options.checksum, stated_checksum(fields));
  const auto type = fields.get("x-amz-checksum-type");
  if ((options.checksum && options.checksum->algorithm != upload.algorithm()) ||
      (type && (!upload.checksum || *type != checksum_type(upload.checksum->composite)))) {
    return refuse(400, "InvalidRequest",
                  "The checksum of the request is not of the algorithm and type that the upload "
                  "was created with.");
  }
  if (options.checksum) fields.remove(checksum_field(options.checksum->algorithm));
  if (const auto text = fields.get("x-amz-mp-object-size")) {
    uint64_t& size = options.size.emplace();
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
    if (error != std::errc() || end != text->data() + text->size()) {
      return invalid_argument("x-amz-mp-object-size is the number of bytes of the object");
    }
  }
  return options;
}

}  // namespace

Done begin_upload(Operation& operation) {
  const http::Fields& fields = operation.request.fields;
  CUSP_CO_TRY(const auto checksum, upload_checksum(fields));
  CUSP_CO_TRY(const auto upload, co_await operation.bucket->begin_upload(
                                     operation.target.key, kept_fields(fields), checksum));
  XmlWriter xml;
  xml.open_root("InitiateMultipartUploadResult");
  xml.element("Bucket", operation.target.bucket);
  xml.element("Key", operation.target.key);
  xml.element("UploadId", upload.id);
  xml.close("InitiateMultipartUploadResult");
  auto response = xml_response(200, std::move(xml));
  if (checksum) {
    response.fields.add("x-amz-checksum-algorithm", to_string(checksum->algorithm));
    response.fields.add("x-amz-checksum-type", checksum_type(checksum->composite));
  }
  co_return response;
}

Done put_part(Operation& operation) {
  const Target& target = operation.target;
  const std::string id(target.get("uploadId"));
  CUSP_CO_TRY(const uint32_t number, part_number(target));
  CUSP_CO_TRY(const auto upload, co_await operation.bucket->upload(target.key, id));
  if (!upload) co_return no_such_upload();
  CUSP_CO_TRY(auto received, co_await receive(operation, upload->algorithm()));
  CUSP_CO_TRY(const auto part,
              co_await operation.bucket->put_part(target.key, id, number, std::move(received)));
  if (!part) co_return no_such_upload();
  http::Response response;
  response.fields.add("etag", quoted(part->etag));
  if (part->checksum) {
    response.fields.add(checksum_field(part->checksum->algorithm),
                        base64_encode(part->checksum->bytes));
  }
  co_return response;
}

// A part has a content of its own, so the bytes are copied.
Done copy_part(Operation& operation) {
  const Target& target = operation.target;
  const std::string id(target.get("uploadId"));
  CUSP_CO_TRY(const uint32_t number, part_number(target));
  bool same = false;
  CUSP_CO_TRY(auto source, co_await copy_source(operation, same));
  CUSP_CO_TRY(const auto upload, co_await operation.bucket->upload(target.key, id));
  if (!upload) co_return no_such_upload();
  edge::cache::ByteRange range{0, source.head().size};
  if (const auto field = operation.request.fields.get("x-amz-copy-source-range")) {
    const auto spec = edge::cache::parse_single_range(*field);
    if (!spec || !spec->first || !spec->last || *spec->last >= range.end) {
      co_return invalid_argument(
          "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
          "last are the zero-based offsets of bytes of the source");
    }
    range = {*spec->first, *spec->last + 1};
  }
  auto incoming = operation.bucket->receive(upload->algorithm());
  while (range.size() > 0) {
    CUSP_CO_TRY(const std::string bytes, co_await source.read(range.first, range.size()));
    CUSP_CO_CHECK(co_await incoming.append(bytes));
    range.first += bytes.size();
  }
  CUSP_CO_TRY(auto received, co_await incoming.finish());
  CUSP_CO_TRY(const auto part,
              co_await operation.bucket->put_part(target.key, id, number, std::move(received)));
  if (!part) co_return no_such_upload();
  XmlWriter xml;
  xml.open_root("CopyPartResult");
  xml.element("LastModified", iso_time(part->modified));
  xml.element("ETag", quoted(part->etag));
  if (part->checksum) write_checksum(*part->checksum, xml);
  xml.close("CopyPartResult");
  co_return xml_response(200, std::move(xml));
}

Done complete_upload(Operation& operation) {
  const Target& target = operation.target;
  http::Fields& fields = operation.request.fields;
  const std::string id(target.get("uploadId"));
  CUSP_CO_TRY(const auto upload, co_await operation.bucket->upload(target.key, id));
  if (!upload) co_return no_such_upload();
  CUSP_CO_TRY(auto options, take_options(fields, *upload));
  CUSP_CO_TRY(const auto payload, Payload::create(operation.request, operation.verified));
  CUSP_CO_TRY(const std::string text, co_await payload->read_all(kDocumentBytesMax));
  CUSP_CO_TRY(auto parts, parse_parts(text, *upload));
  object::Head head;
  CUSP_CO_TRY(const auto completion,
              co_await operation.bucket->complete(target.key, id, std::move(parts),
                                                  std::move(options), head));
  if (completion != object::Completion::kDone) {
    CUSP_CO_TRY(const auto present, co_await operation.bucket->head(target.key));
    co_return refuse_completion(completion, fields, present.has_value());
  }
  XmlWriter xml;
  xml.open_root("CompleteMultipartUploadResult");
  xml.element("Location", "/" + target.bucket + "/" + uri_encode(target.key, true));
  xml.element("Bucket", target.bucket);
  xml.element("Key", target.key);
  xml.element("ETag", quoted(head.etag));
  write_checksum(head, xml);
  xml.close("CompleteMultipartUploadResult");
  co_return xml_response(200, std::move(xml));
}

Done abort_upload(Operation& operation) {
  const Target& target = operation.target;
  CUSP_CO_TRY(const bool aborted,
              co_await operation.bucket->abort(target.key, std::string(target.get("uploadId"))));
  if (!aborted) co_return no_such_upload();
  co_return http::Response{.status = 204};
}

}  // namespace cusp::node::s3
