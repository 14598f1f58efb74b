#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/body.h"
#include "io/task.h"
#include "node/s3/chunk_decoder.h"
#include "node/s3/failure.h"
#include "node/s3/signature.h"

namespace cusp::node::s3 {

// A request's content, without its framing and with what the request promises about it checked:
// size, signatures, SHA-256, MD5 and the checksum. On one shard.
class Payload {
 public:
  // Takes the body out of the request. Failures: MissingContentLength, EntityTooLarge,
  // InvalidDigest, InvalidRequest, NotImplemented (signatures of other kinds).
  static Answer<std::unique_ptr<Payload>> create(http::Request& request, const Verified& verified);

  // The next bytes; empty: the end, and all promises are kept. After a failure it is not called
  // again. Failures: those of ChunkDecoder, BadDigest, XAmzContentSHA256Mismatch.
  io::Task<Answer<std::string>> read();
  // The rest, for documents. Failures: also MalformedXML (more than `most` bytes).
  io::Task<Answer<std::string>> read_all(size_t most);

  // The checksum that the request carries or announces.
  std::optional<store::object::Algorithm> algorithm() const { return algorithm_; }

 private:
  Payload() = default;
  Answer<> read_promises(const http::Request& request);
  Answer<> announce(std::string_view trailer);
  Answer<> check();
  Answer<> check_checksum();

  std::unique_ptr<http::Body> body_;  // null: none, or its end was read
  std::optional<ChunkDecoder> chunks_;
  uint64_t size_ = 0;  // that it must have
  uint64_t received_ = 0;
  std::string sha256_;  // in hexadecimal; "": not promised
  std::string md5_;     // bytes; "": the same
  std::optional<store::object::Algorithm> algorithm_;
  std::string checksum_;  // bytes; "": it comes in a trailer
  std::optional<store::object::Hasher> sha256_hasher_;
  std::optional<store::object::Hasher> md5_hasher_;
  std::optional<store::object::Hasher> hasher_;
};

}  // namespace cusp::node::s3
