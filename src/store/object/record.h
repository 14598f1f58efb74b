#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/kv/store.h"
#include "store/object/head.h"

// How objects, uploads and parts lie in the index (docs/formats/stores.md): MessagePack, with what
// a list shows in the entry's metadata. For the .cc files of this folder, but for the checks. Every
// decode… answers kDataLoss for what was not written here.
namespace cusp::store::object {

// The kinds of records, which their keys begin with.
inline constexpr char kObjectRecord = 'o';
inline constexpr char kUploadRecord = 'u';
inline constexpr char kPartRecord = 'p';
inline constexpr char kReferenceRecord = 'r';

// Errors: kInvalidArgument: empty, too long, a zero byte, no UTF-8.
Result<> check_object_key(std::string_view key);
// Errors: kInvalidArgument: more than limits::kObjectFieldsBytesMax.
Result<> check_fields(const FieldList& fields);

std::string reference_key(std::string_view digest);
// `bucket`: "APP\0STORE\0".
std::string record_key(char kind, std::string_view bucket, std::string_view key);
std::string upload_key(std::string_view bucket, std::string_view key, std::string_view id);
// What the keys of all parts of an upload begin with.
std::string part_prefix(std::string_view bucket, std::string_view key, std::string_view id);
std::string part_key(std::string_view bucket, std::string_view key, std::string_view id,
                     uint32_t number);
// The upload that a part belongs to, by their keys.
std::string upload_of_part(std::string_view part_key);

// A change that writes the record; `expected` and `key` of the change are the caller's.
kv::Change encode(const Head& head);
kv::Change encode(const Upload& upload);
kv::Change encode(const Part& part);

Result<Head> decode_head(std::string key, const kv::Entry& entry);
// Key, size, etag and modified alone.
Result<Head> decode_listed(std::string key, const kv::Listed& listed);
// Without key and id.
Result<Upload> decode_upload(const kv::Entry& entry);
Result<Part> decode_part(std::string_view metadata, uint64_t revision);

}  // namespace cusp::store::object
