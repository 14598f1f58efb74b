#include <fmt/format.h>

#include "base/base64.h"
#include "base/limits.h"
#include "io/asio.h"
#include "node/s3/checksums.h"
#include "node/s3/operation.h"
#include "node/s3/xml.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;

constexpr uint64_t kPageMax = 1000;

// The three lists of objects. In the last one each object is the only version of itself.
enum class ListKind : uint8_t { kFirst, kSecond, kVersions };

ListKind kind_of(const Target& target) {
  if (target.has("versions")) return ListKind::kVersions;
  return target.get("list-type") == "2" ? ListKind::kSecond : ListKind::kFirst;
}

// Texts of a list, escaped if the client asks for that.
class Encoding {
 public:
  static Answer<Encoding> of(const Target& target) {
    const std::string* type = target.find("encoding-type");
    if (type != nullptr && *type != "url") {
      return invalid_argument("Invalid Encoding Method specified in Request");
    }
    return Encoding(type != nullptr);
  }
  std::string operator()(std::string_view text) const {
    return url_ ? uri_encode(text, true) : std::string(text);
  }
  bool url() const { return url_; }

 private:
  explicit Encoding(bool url) : url_(url) {}
  bool url_;
};

// Objects belong to the application whose bucket they are in.
void write_owner(std::string_view app, XmlWriter& xml) {
  xml.open("Owner");
  xml.element("ID", app);
  xml.element("DisplayName", app);
  xml.close("Owner");
}

// `owner`: "" where the list does not say.
void write_listing(const object::Listing& listing, ListKind kind, std::string_view owner,
                   const Encoding& encode, XmlWriter& xml) {
  const std::string_view element = kind == ListKind::kVersions ? "Version" : "Contents";
  for (const auto& head : listing.objects) {
    xml.open(element);
    xml.element("Key", encode(head.key));
    xml.element("LastModified", iso_time(head.modified));
    xml.element("ETag", quoted(head.etag));
    xml.element("Size", head.size);
    xml.element("StorageClass", "STANDARD");
    if (kind == ListKind::kVersions) {
      xml.element("VersionId", kOnlyVersion);
      xml.element("IsLatest", "true");
    }
    if (!owner.empty()) write_owner(owner, xml);
    xml.close(element);
  }
  for (const auto& prefix : listing.prefixes) {
    xml.open("CommonPrefixes");
    xml.element("Prefix", encode(prefix));
    xml.close("CommonPrefixes");
  }
}

// Where a list goes on. What stands for a prefix in a marker is the prefix itself; the store's
// cursor has a byte behind it that no key has.
Answer<std::string> after_of(const Target& target, ListKind kind) {
  if (kind != ListKind::kSecond) {
    std::string marker(target.get(kind == ListKind::kFirst ? "marker" : "key-marker"));
    const std::string_view delimiter = target.get("delimiter");
    if (!delimiter.empty() && marker.ends_with(delimiter)) marker += '\xFF';
    return marker;
  }
  const std::string* token = target.find("continuation-token");
  if (token == nullptr || token->empty()) return std::string(target.get("start-after"));
  auto after = base64url_decode(*token);
  if (!after || after->empty()) {
    return invalid_argument("The continuation token provided is incorrect");
  }
  return std::move(*after);
}

void write_cursor(const object::Listing& listing, const Target& target, ListKind kind,
                  const Encoding& encode, XmlWriter& xml) {
  if (kind == ListKind::kSecond) {
    xml.element("KeyCount", listing.objects.size() + listing.prefixes.size());
    if (const auto* token = target.find("continuation-token")) {
      xml.element("ContinuationToken", *token);
    }
    if (const auto* start = target.find("start-after")) xml.element("StartAfter", encode(*start));
    if (listing.next) {
      xml.element("NextContinuationToken", base64url_encode(*listing.next));
    }
    return;
  }
  const bool versions = kind == ListKind::kVersions;
  const std::string marker = versions ? "KeyMarker" : "Marker";
  xml.element(marker, encode(target.get(versions ? "key-marker" : "marker")));
  if (!listing.next) return;
  std::string next = *listing.next;
  if (next.ends_with('\xFF')) next.pop_back();
  xml.element("Next" + marker, encode(next));
  if (versions) xml.element("NextVersionIdMarker", kOnlyVersion);
}

}  // namespace

Done list_buckets(Operation& operation) {
  CUSP_CO_TRY(const auto names, co_await operation.objects.buckets());
  XmlWriter xml;
  xml.open_root("ListAllMyBucketsResult");
  xml.open("Buckets");
  for (const auto& name : names) {
    if (!operation.verified.token->grant.allows(name.app, StoreKind::kObject, name.store,
                                                Access::kRead))
      continue;
    xml.open("Bucket");
    xml.element("Name", name.app + "." + name.store);
    xml.element("CreationDate", "1970-01-01T00:00:00.000Z");
    xml.close("Bucket");
  }
  xml.close("Buckets");
  xml.close("ListAllMyBucketsResult");
  co_return xml_response(200, std::move(xml));
}

Done list_objects(Operation& operation) {
  const Target& target = operation.target;
  const ListKind kind = kind_of(target);
  CUSP_CO_TRY(const Encoding encode, Encoding::of(target));
  CUSP_CO_TRY(const uint64_t most, number_parameter(target, "max-keys", kPageMax, INT32_MAX));
  CUSP_CO_TRY(std::string after, after_of(target, kind));
  object::ListOptions options{.prefix = std::string(target.get("prefix")),
                              .delimiter = std::string(target.get("delimiter")),
                              .after = std::move(after),
                              .limit = std::min(most, kPageMax)};
  object::Listing listing;
  if (most > 0) {
    CUSP_CO_TRY(listing, co_await operation.bucket->list(std::move(options)));
  }
  const std::string_view root =
      kind == ListKind::kVersions ? "ListVersionsResult" : "ListBucketResult";
  XmlWriter xml;
  xml.open_root(root);
  xml.element("Name", target.bucket);
  xml.element("Prefix", encode(target.get("prefix")));
  if (!target.get("delimiter").empty()) xml.element("Delimiter", encode(target.get("delimiter")));
  xml.element("MaxKeys", most);
  if (encode.url()) xml.element("EncodingType", "url");
  xml.element("IsTruncated", listing.next ? "true" : "false");
  write_cursor(listing, target, kind, encode, xml);
  const bool owned = kind != ListKind::kSecond || target.get("fetch-owner") == "true";
  write_listing(listing, kind, owned ? app_of(target.bucket) : "", encode, xml);
  xml.close(root);
  co_return xml_response(200, std::move(xml));
}

Done list_uploads(Operation& operation) {
  const Target& target = operation.target;
  CUSP_CO_TRY(const Encoding encode, Encoding::of(target));
  CUSP_CO_TRY(const uint64_t most, number_parameter(target, "max-uploads", kPageMax, INT32_MAX));
  if (target.has("key-marker") || target.has("delimiter")) {
    co_return not_implemented("ListMultipartUploads with key-marker or delimiter");
  }
  const size_t limit = std::min(most, kPageMax);
  CUSP_CO_TRY(auto uploads,
              co_await operation.bucket->uploads(std::string(target.get("prefix")), limit + 1));
  const bool truncated = uploads.size() > limit;
  if (truncated) uploads.pop_back();
  XmlWriter xml;
  xml.open_root("ListMultipartUploadsResult");
  xml.element("Bucket", target.bucket);
  xml.element("Prefix", encode(target.get("prefix")));
  if (encode.url()) xml.element("EncodingType", "url");
  xml.element("MaxUploads", most);
  xml.element("IsTruncated", truncated ? "true" : "false");
  for (const auto& upload : uploads) {
    xml.open("Upload");
    xml.element("Key", encode(upload.key));
    xml.element("UploadId", upload.id);
    xml.element("StorageClass", "STANDARD");
    write_owner(app_of(target.bucket), xml);
    xml.element("Initiated", iso_time(upload.begun));
    if (upload.checksum) write_checksum(*upload.checksum, xml);
    xml.close("Upload");
  }
  xml.close("ListMultipartUploadsResult");
  co_return xml_response(200, std::move(xml));
}

Done list_parts(Operation& operation) {
  const Target& target = operation.target;
  const std::string id(target.get("uploadId"));
  CUSP_CO_TRY(const uint64_t most, number_parameter(target, "max-parts", kPageMax, INT32_MAX));
  CUSP_CO_TRY(const uint64_t after,
              number_parameter(target, "part-number-marker", 0, limits::kObjectPartsMax));
  CUSP_CO_TRY(const auto upload, co_await operation.bucket->upload(target.key, id));
  if (!upload) {
    co_return refuse(404, "NoSuchUpload", "The specified multipart upload does not exist.");
  }
  const size_t limit = std::min(most, kPageMax);
  CUSP_CO_TRY(auto parts, co_await operation.bucket->parts(
                              target.key, id, static_cast<uint32_t>(after), limit + 1));
  const bool truncated = parts.size() > limit;
  if (truncated) parts.pop_back();
  XmlWriter xml;
  xml.open_root("ListPartsResult");
  xml.element("Bucket", target.bucket);
  xml.element("Key", target.key);
  xml.element("UploadId", id);
  xml.element("PartNumberMarker", after);
  if (truncated && !parts.empty()) xml.element("NextPartNumberMarker", parts.back().number);
  xml.element("MaxParts", most);
  xml.element("IsTruncated", truncated ? "true" : "false");
  xml.element("StorageClass", "STANDARD");
  if (upload->checksum) write_checksum(*upload->checksum, xml);
  for (const auto& part : parts) {
    xml.open("Part");
    xml.element("PartNumber", part.number);
    xml.element("LastModified", iso_time(part.modified));
    xml.element("ETag", quoted(part.etag));
    xml.element("Size", part.content.size);
    if (part.checksum) write_checksum(*part.checksum, xml);
    xml.close("Part");
  }
  xml.close("ListPartsResult");
  co_return xml_response(200, std::move(xml));
}

}  // namespace cusp::node::s3
