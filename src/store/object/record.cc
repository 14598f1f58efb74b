#include "store/object/record.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "store/msgpack.h"

namespace cusp::store::object {

namespace {

using nlohmann::json;

std::unexpected<Error> not_a_record() {
  return fail(ErrorCode::kDataLoss,
              "the index of objects holds something that is no record; restore it from a backup");
}

template <class T, class Read>
Result<T> unpack(std::string_view bytes, Read read) {
  auto value = from_msgpack<T>(bytes, std::move(read));
  if (!value) return not_a_record();
  return std::move(*value);
}

int64_t milliseconds(kv::Time time) { return time.time_since_epoch().count(); }
kv::Time time_of(const json& value) {
  return kv::Time(std::chrono::milliseconds(value.get<int64_t>()));
}

json to_json(const ContentId& id) { return json::array({id.digest, id.size}); }
ContentId content_of(const json& value) {
  return {value.at(0).get<std::string>(), value.at(1).get<uint64_t>()};
}

json to_json(const std::optional<Checksum>& checksum) {
  if (!checksum) return nullptr;
  return json::array({to_string(checksum->algorithm), checksum->bytes, checksum->parts});
}
std::optional<Checksum> checksum_of(const json& value) {
  if (value.is_null()) return std::nullopt;
  const auto algorithm = checksum_algorithm(value.at(0).get<std::string>());
  if (!algorithm) return std::nullopt;
  return Checksum{*algorithm, value.at(1).get<std::string>(), value.at(2).get<size_t>()};
}

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char lead = byte(at);
    const size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (size == 0 || lead > 0xF4 || size > text.size() - at) return false;
    for (size_t next = at + 1; next < at + size; ++next) {
      if ((byte(next) & 0xC0) != 0x80) return false;
    }
    if (lead == 0xE0 && byte(at + 1) < 0xA0) return false;
    if (lead == 0xED && byte(at + 1) > 0x9F) return false;
    if (lead == 0xF0 && byte(at + 1) < 0x90) return false;
    if (lead == 0xF4 && byte(at + 1) > 0x8F) return false;
    at += size;
  }
  return true;
}

}  // namespace

Result<> check_object_key(std::string_view key) {
  if (key.empty() || key.size() > limits::kObjectKeyBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the key of an object has 1 to {} bytes", limits::kObjectKeyBytesMax));
  }
  if (key.find('\0') != std::string_view::npos || !is_utf8(key)) {
    return fail(ErrorCode::kInvalidArgument,
                "the key of an object is UTF-8 without a zero character");
  }
  return {};
}

Result<> check_fields(const FieldList& fields) {
  size_t bytes = 0;
  for (const auto& [name, value] : fields) bytes += name.size() + value.size();
  if (bytes <= limits::kObjectFieldsBytesMax) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the metadata of an object has {} bytes; at most {} are allowed", bytes,
                          limits::kObjectFieldsBytesMax));
}

std::string reference_key(std::string_view digest) {
  return std::string{kReferenceRecord, '\0'}.append(digest);
}

std::string record_key(char kind, std::string_view bucket, std::string_view key) {
  return std::string{kind, '\0'}.append(bucket).append(key);
}

std::string upload_key(std::string_view bucket, std::string_view key, std::string_view id) {
  return record_key(kUploadRecord, bucket, key).append(1, '\0').append(id);
}

std::string part_prefix(std::string_view bucket, std::string_view key, std::string_view id) {
  return record_key(kPartRecord, bucket, key).append(1, '\0').append(id).append(1, '\0');
}

std::string part_key(std::string_view bucket, std::string_view key, std::string_view id,
                     uint32_t number) {
  return part_prefix(bucket, key, id) + fmt::format("{:05}", number);
}

std::string upload_of_part(std::string_view part_key) {
  std::string key(part_key.substr(0, part_key.rfind('\0')));
  key.front() = kUploadRecord;
  return key;
}

kv::Change encode(const Head& head) {
  json contents = json::array();
  for (const auto& content : head.contents) contents.push_back(to_json(content));
  kv::Change change;
  change.metadata = to_msgpack(json::array({head.size, head.etag, milliseconds(head.modified)}));
  change.value = to_msgpack(json::array({head.fields, to_json(head.checksum), contents}));
  return change;
}

kv::Change encode(const Upload& upload) {
  const auto& checksum = upload.checksum;
  const std::string algorithm(checksum ? to_string(checksum->algorithm) : "");
  kv::Change change;
  change.metadata = to_msgpack(milliseconds(upload.begun));
  change.value =
      to_msgpack(json::array({upload.fields, algorithm, !checksum || checksum->composite}));
  return change;
}

kv::Change encode(const Part& part) {
  kv::Change change;
  change.metadata = to_msgpack(json::array({part.number, to_json(part.content), part.etag,
                                            milliseconds(part.modified), to_json(part.checksum)}));
  return change;
}

Result<Head> decode_listed(std::string key, const kv::Listed& listed) {
  return unpack<Head>(listed.metadata, [&](const json& value) {
    return Head{.key = std::move(key),
                .size = value.at(0).get<uint64_t>(),
                .etag = value.at(1).get<std::string>(),
                .modified = time_of(value.at(2)),
                .revision = listed.revision};
  });
}

Result<Head> decode_head(std::string key, const kv::Entry& entry) {
  CUSP_TRY(Head head,
           decode_listed(
               std::move(key),
               {.key = {}, .metadata = entry.metadata, .expires = {}, .revision = entry.revision}));
  return unpack<Head>(entry.value, [&](const json& value) {
    head.fields = value.at(0).get<FieldList>();
    head.checksum = checksum_of(value.at(1));
    for (const auto& content : value.at(2)) head.contents.push_back(content_of(content));
    return std::move(head);
  });
}

Result<Upload> decode_upload(const kv::Entry& entry) {
  CUSP_TRY(const kv::Time begun, unpack<kv::Time>(entry.metadata, time_of));
  return unpack<Upload>(entry.value, [&](const json& value) {
    Upload upload{
        .begun = begun, .fields = value.at(0).get<FieldList>(), .revision = entry.revision};
    if (const auto algorithm = checksum_algorithm(value.at(1).get<std::string>())) {
      // Those of before there were others have two entries, and are composite.
      upload.checksum = {*algorithm, value.size() < 3 || value.at(2).get<bool>()};
    }
    return upload;
  });
}

Result<Part> decode_part(std::string_view metadata, uint64_t revision) {
  return unpack<Part>(metadata, [&](const json& value) {
    return Part{.number = value.at(0).get<uint32_t>(),
                .content = content_of(value.at(1)),
                .etag = value.at(2).get<std::string>(),
                .modified = time_of(value.at(3)),
                .checksum = checksum_of(value.at(4)),
                .revision = revision};
  });
}

}  // namespace cusp::store::object
