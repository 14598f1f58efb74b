#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "node/s3/failure.h"
#include "node/s3/xml.h"
#include "store/object/head.h"

// Checksums as S3's fields and documents have them.
namespace cusp::node::s3 {

// "x-amz-checksum-crc32".
std::string checksum_field(store::object::Algorithm algorithm);
// "ChecksumCRC32".
std::string checksum_element(store::object::Algorithm algorithm);
// "COMPOSITE", "FULL_OBJECT".
std::string_view checksum_type(bool composite);

// The algorithm whose field that is.
std::optional<store::object::Algorithm> algorithm_of_field(std::string_view name);
// How many bytes such a checksum has.
size_t checksum_bytes(store::object::Algorithm algorithm);
std::unexpected<Failure> invalid_checksum(store::object::Algorithm algorithm);

// The checksum that a request says its content has. Nothing: none. Failures: InvalidRequest
// (several, or no checksum at all).
Answer<std::optional<store::object::Checksum>> stated_checksum(const http::Fields& fields);
// The checksum that an upload in parts is to have. Failures: InvalidRequest.
Answer<std::optional<store::object::UploadChecksum>> upload_checksum(const http::Fields& fields);

// An object's checksum and its type.
void add_checksum(const store::object::Checksum& checksum, http::Fields& fields);
void write_checksum(const store::object::Head& head, XmlWriter& xml);
// A part's checksum, whose type is its upload's.
void write_checksum(const store::object::Checksum& checksum, XmlWriter& xml);
// An upload's algorithm and type.
void write_checksum(const store::object::UploadChecksum& checksum, XmlWriter& xml);

}  // namespace cusp::node::s3
