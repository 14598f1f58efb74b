#include "node/s3/chunk_decoder.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "node/digest.h"

namespace cusp::node::s3 {

namespace {

using store::object::Algorithm;
using store::object::Hasher;
using store::object::hex;

constexpr size_t kLineBytesMax = 1024;
constexpr size_t kTrailerBytesMax = 4096;
constexpr std::string_view kChunkSignature = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

std::unexpected<Failure> broken() {
  return refuse(400, "InvalidRequest", "The body is not framed as aws-chunked.");
}

std::unexpected<Failure> wrong_signature() {
  return refuse(403, "SignatureDoesNotMatch",
                "The signature of a chunk does not match the one that we calculated.");
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

ChunkDecoder::ChunkDecoder(std::optional<ChunkSigner> signer, bool trailers)
    : signer_(std::move(signer)), has_trailers_(trailers) {}

Answer<bool> ChunkDecoder::take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  const size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + size > kLineBytesMax) return broken();
  line_ += bytes.substr(0, size);
  bytes.remove_prefix(size);
  if (end == std::string_view::npos) return false;
  if (!line_.ends_with("\r\n")) return broken();
  line_.resize(line_.size() - 2);
  return true;
}

Answer<> ChunkDecoder::feed(std::string_view bytes, std::string& content) {
  while (!bytes.empty()) {
    if (state_ == State::kDone) return broken();
    if (state_ == State::kData) {
      const auto part = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
      if (digest_) digest_->update(part);
      content += part;
      bytes.remove_prefix(part.size());
      left_ -= part.size();
      if (left_ == 0) state_ = State::kDataEnd;
      continue;
    }
    CUSP_TRY(const bool whole, take_line(bytes));
    if (!whole) return {};
    switch (state_) {
      case State::kSize: CUSP_CHECK(on_size()); break;
      case State::kDataEnd: CUSP_CHECK(on_data_end()); break;
      default: CUSP_CHECK(on_trailer());
    }
    line_.clear();
  }
  return {};
}

// SIZE[;chunk-signature=SIGNATURE]
Answer<> ChunkDecoder::on_size() {
  const size_t semicolon = std::min(line_.find(';'), line_.size());
  const auto [end, error] = std::from_chars(line_.data(), line_.data() + semicolon, left_, 16);
  if (error != std::errc() || end != line_.data() + semicolon || left_ > limits::kObjectBytesMax) {
    return broken();
  }
  if (signer_) {
    const std::string_view rest = std::string_view(line_).substr(semicolon);
    const size_t at = rest.find(kChunkSignature);
    if (at == std::string_view::npos) return wrong_signature();
    signature_ = trimmed(rest.substr(at + kChunkSignature.size()));
    digest_.emplace(Algorithm::kSha256);
  }
  last_ = left_ == 0;
  if (!last_) {
    state_ = State::kData;
    return {};
  }
  CUSP_CHECK(check_chunk());
  // Without trailers an empty line ends the body, as the end of an empty chunk would.
  state_ = has_trailers_ ? State::kTrailers : State::kDataEnd;
  return {};
}

Answer<> ChunkDecoder::check_chunk() {
  if (!signer_ || signer_->accept_chunk(signature_, hex(digest_->finish()))) return {};
  return wrong_signature();
}

Answer<> ChunkDecoder::on_data_end() {
  if (!line_.empty()) return broken();
  if (last_) {
    state_ = State::kDone;
    return {};
  }
  state_ = State::kSize;
  return check_chunk();
}

Answer<> ChunkDecoder::on_trailer() {
  if (line_.empty()) return on_trailers_end();
  trailer_bytes_ += line_.size();
  const size_t colon = line_.find(':');
  if (colon == std::string::npos || trailer_bytes_ > kTrailerBytesMax) return broken();
  std::string name(trimmed(std::string_view(line_).substr(0, colon)));
  std::ranges::transform(name, name.begin(),
                         [](char byte) { return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte; });
  std::string value(trimmed(std::string_view(line_).substr(colon + 1)));
  if (name == kTrailerSignature) {
    trailer_signature_ = std::move(value);
  } else {
    trailers_.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Answer<> ChunkDecoder::on_trailers_end() {
  state_ = State::kDone;
  if (!signer_) return {};
  std::string text;
  for (const auto& [name, value] : trailers_) text += name + ":" + value + "\n";
  if (signer_->accept_trailers(trailer_signature_, sha256_hex({text}))) return {};
  return wrong_signature();
}

}  // namespace cusp::node::s3
