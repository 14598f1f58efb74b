#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/s3/failure.h"
#include "node/s3/signature.h"
#include "store/object/checksum.h"

namespace cusp::node::s3 {

// Takes the framing off a body with "content-encoding: aws-chunked": chunks with a signature each,
// or none, and trailers behind ("Signature Calculations for the Authorization Header: Transferring
// Payload in Multiple Chunks"). A chunk's bytes are handed on before its signature can be checked;
// nobody may rely on them until done() says true.
class ChunkDecoder {
 public:
  // `signer`: nothing for chunks that are not signed. `trailers`: whether there are some, behind
  // the last chunk.
  ChunkDecoder(std::optional<ChunkSigner> signer, bool trailers);

  // Adds the content among `bytes` to `content`. Failures: IncompleteBody, SignatureDoesNotMatch,
  // InvalidRequest (broken framing, or more behind the end). After one only the destructor is left.
  Answer<> feed(std::string_view bytes, std::string& content);
  bool done() const { return state_ == State::kDone; }

  // Names in lower case. Of use once done() is true.
  const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }

 private:
  enum class State : uint8_t { kSize, kData, kDataEnd, kTrailers, kDone };

  // Whether a whole line is there now, in `line_`.
  Answer<bool> take_line(std::string_view& bytes);
  Answer<> on_size();
  Answer<> on_data_end();
  Answer<> on_trailer();
  Answer<> on_trailers_end();
  Answer<> check_chunk();

  std::optional<ChunkSigner> signer_;
  const bool has_trailers_;
  State state_ = State::kSize;
  std::string line_;
  uint64_t left_ = 0;  // of the chunk
  bool last_ = false;
  std::string signature_;
  std::optional<store::object::Hasher> digest_;  // of the chunk
  std::vector<std::pair<std::string, std::string>> trailers_;
  size_t trailer_bytes_ = 0;
  std::string trailer_signature_;
};

}  // namespace cusp::node::s3
