#include "node/s3/checksums.h"

#include <array>

#include <fmt/format.h>

#include "base/base64.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;
using object::Algorithm;

constexpr std::string_view kPrefix = "x-amz-checksum-";
constexpr std::string_view kTypeField = "x-amz-checksum-type";
constexpr std::array kAlgorithms{Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kCrc64Nvme,
                                 Algorithm::kSha1, Algorithm::kSha256};

std::string text_of(const object::Checksum& checksum) {
  std::string text = base64_encode(checksum.bytes);
  if (checksum.parts > 0) text += fmt::format("-{}", checksum.parts);
  return text;
}

std::unexpected<Failure> no_such_type(std::string_view type, Algorithm algorithm) {
  return refuse(400, "InvalidRequest",
                fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                            type, to_string(algorithm)));
}

}  // namespace

std::string checksum_field(Algorithm algorithm) {
  std::string name(kPrefix);
  for (const char byte : to_string(algorithm)) {
    name += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
  }
  return name;
}

std::string checksum_element(Algorithm algorithm) {
  return std::string("Checksum").append(to_string(algorithm));
}

std::string_view checksum_type(bool composite) { return composite ? "COMPOSITE" : "FULL_OBJECT"; }

std::optional<Algorithm> algorithm_of_field(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return object::checksum_algorithm(name.substr(kPrefix.size()));
}

size_t checksum_bytes(Algorithm algorithm) { return object::checksum(algorithm, "").size(); }

std::unexpected<Failure> invalid_checksum(Algorithm algorithm) {
  return refuse(400, "InvalidRequest",
                fmt::format("Value for {} header is invalid.", checksum_field(algorithm)));
}

Answer<std::optional<object::Checksum>> stated_checksum(const http::Fields& fields) {
  std::optional<object::Checksum> stated;
  for (const Algorithm algorithm : kAlgorithms) {
    const auto text = fields.get(checksum_field(algorithm));
    if (!text) continue;
    if (stated) {
      return refuse(400, "InvalidRequest", "Expecting a single x-amz-checksum- header.");
    }
    const auto bytes = base64_decode(*text);
    if (!bytes || bytes->size() != checksum_bytes(algorithm)) return invalid_checksum(algorithm);
    stated = {.algorithm = algorithm, .bytes = *bytes};
  }
  return stated;
}

// Without a type it is that of the content where there is no other, and composite elsewhere.
Answer<std::optional<object::UploadChecksum>> upload_checksum(const http::Fields& fields) {
  const auto name = fields.get("x-amz-checksum-algorithm");
  const auto type = fields.get(kTypeField);
  if (!name) {
    if (!type) return std::nullopt;
    return refuse(400, "InvalidRequest",
                  "The x-amz-checksum-type header can only be used with the "
                  "x-amz-checksum-algorithm header.");
  }
  const auto algorithm = object::checksum_algorithm(*name);
  if (!algorithm) {
    return refuse(400, "InvalidRequest", "Checksum algorithm provided is unsupported.");
  }
  if (type && type != checksum_type(true) && type != checksum_type(false)) {
    return refuse(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
  }
  const bool only_whole = algorithm == Algorithm::kCrc64Nvme;
  const bool composite = type ? type == checksum_type(true) : !only_whole;
  if (composite ? only_whole : !object::combines(*algorithm)) {
    return no_such_type(checksum_type(composite), *algorithm);
  }
  return object::UploadChecksum{.algorithm = *algorithm, .composite = composite};
}

void add_checksum(const object::Checksum& checksum, http::Fields& fields) {
  fields.add(checksum_field(checksum.algorithm), text_of(checksum));
  fields.add(kTypeField, checksum_type(checksum.parts > 0));
}

void write_checksum(const object::Checksum& checksum, XmlWriter& xml) {
  xml.element(checksum_element(checksum.algorithm), text_of(checksum));
}

void write_checksum(const object::Head& head, XmlWriter& xml) {
  if (!head.checksum) return;
  write_checksum(*head.checksum, xml);
  xml.element("ChecksumType", checksum_type(head.checksum->parts > 0));
}

void write_checksum(const object::UploadChecksum& checksum, XmlWriter& xml) {
  xml.element("ChecksumAlgorithm", to_string(checksum.algorithm));
  xml.element("ChecksumType", checksum_type(checksum.composite));
}

}  // namespace cusp::node::s3
