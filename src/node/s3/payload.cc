#include "node/s3/payload.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/limits.h"
#include "io/asio.h"
#include "node/s3/checksums.h"

namespace cusp::node::s3 {

namespace {

using store::object::Algorithm;
using store::object::Hasher;
using store::object::hex;

constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kStreaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view kStreamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
constexpr std::string_view kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

Answer<std::unique_ptr<Payload>> Payload::create(http::Request& request, const Verified& verified) {
  std::unique_ptr<Payload> payload(new Payload());
  const std::string& kind = verified.payload;
  const bool streaming = kind.starts_with("STREAMING-");
  if (streaming && kind != kStreaming && kind != kStreamingTrailer && kind != kUnsignedTrailer) {
    return not_implemented(kind);
  }
  if (!streaming && kind != kUnsigned) {
    if (!is_sha256(kind)) {
      return invalid_argument(
          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value, or a valid sha256 "
          "value.");
    }
    payload->sha256_ = kind;
    payload->sha256_hasher_.emplace(Algorithm::kSha256);
  }
  CUSP_CHECK(payload->read_promises(request));
  if (streaming) {
    const auto size = number(request.fields.get("x-amz-decoded-content-length").value_or(""));
    if (!size) {
      return refuse(411, "MissingContentLength",
                    "You must provide the x-amz-decoded-content-length HTTP header.");
    }
    payload->size_ = *size;
    payload->chunks_.emplace(
        kind == kUnsignedTrailer ? std::nullopt : std::optional(verified.chunks),
        kind != kStreaming);
  } else if (request.body) {
    const auto size = request.body->size();
    if (!size) {
      return refuse(411, "MissingContentLength",
                    "You must provide the Content-Length HTTP header.");
    }
    payload->size_ = *size;
  }
  if (payload->size_ > limits::kObjectBytesMax) {
    return refuse(400, "EntityTooLarge",
                  "Your proposed upload exceeds the maximum allowed object size.");
  }
  payload->body_ = std::move(request.body);
  return payload;
}

Answer<> Payload::read_promises(const http::Request& request) {
  if (const auto text = request.fields.get("content-md5")) {
    const auto bytes = base64_decode(*text);
    if (!bytes || bytes->size() != checksum_bytes(Algorithm::kMd5)) {
      return refuse(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    }
    md5_ = *bytes;
    md5_hasher_.emplace(Algorithm::kMd5);
  }
  CUSP_TRY(const auto stated, stated_checksum(request.fields));
  if (stated) {
    algorithm_ = stated->algorithm;
    checksum_ = stated->bytes;
  } else if (const auto trailer = request.fields.get("x-amz-trailer")) {
    CUSP_CHECK(announce(*trailer));
  }
  if (algorithm_) hasher_.emplace(*algorithm_);
  return {};
}

Answer<> Payload::announce(std::string_view trailer) {
  algorithm_ = algorithm_of_field(trailer);
  if (!algorithm_) {
    return refuse(400, "InvalidRequest",
                  "The value specified in the x-amz-trailer header is not supported");
  }
  return {};
}

io::Task<Answer<std::string>> Payload::read() {
  std::string content;
  while (body_ && content.empty()) {
    CUSP_CO_TRY(http::BodyPart part, co_await body_->read());
    if (part.end) body_.reset();
    if (chunks_) {
      CUSP_CO_CHECK(chunks_->feed(part.bytes(), content));
    } else {
      content = part.bytes();
    }
  }
  received_ += content.size();
  if (received_ > size_) {
    co_return refuse(400, "IncompleteBody", "The body has more bytes than its length says.");
  }
  for (auto* hasher : {&sha256_hasher_, &md5_hasher_, &hasher_}) {
    if (*hasher) (*hasher)->update(content);
  }
  if (content.empty()) CUSP_CO_CHECK(check());
  co_return content;
}

Answer<> Payload::check() {
  if (received_ != size_ || (chunks_ && !chunks_->done())) {
    return refuse(400, "IncompleteBody",
                  "You did not provide the number of bytes specified by the Content-Length HTTP "
                  "header");
  }
  if (sha256_hasher_ && hex(sha256_hasher_->finish()) != sha256_) {
    return refuse(400, "XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  if (md5_hasher_ && md5_hasher_->finish() != md5_) {
    return refuse(400, "BadDigest",
                  "The Content-MD5 you specified did not match what we received.");
  }
  return check_checksum();
}

Answer<> Payload::check_checksum() {
  if (!algorithm_) return {};
  if (checksum_.empty()) {
    std::optional<std::string> bytes;
    if (chunks_) {
      for (const auto& [name, value] : chunks_->trailers()) {
        if (name == checksum_field(*algorithm_)) bytes = base64_decode(value);
      }
    }
    if (!bytes || bytes->size() != checksum_bytes(*algorithm_))
      return invalid_checksum(*algorithm_);
    checksum_ = *bytes;
  }
  if (hasher_->finish() == checksum_) return {};
  return refuse(400, "BadDigest",
                fmt::format("The {} you specified did not match the calculated checksum.",
                            to_string(*algorithm_)));
}

io::Task<Answer<std::string>> Payload::read_all(size_t most) {
  std::string all;
  while (true) {
    CUSP_CO_TRY(const std::string part, co_await read());
    if (part.empty()) co_return all;
    if (all.size() + part.size() > most) {
      co_return refuse(400, "MalformedXML", "The document of this request is too long.");
    }
    all += part;
  }
}

}  // namespace cusp::node::s3
