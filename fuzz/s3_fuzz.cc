// What clients of S3 send before anybody knows who they are: targets, signatures, chunks and
// documents. Whatever they hold, they are read or refused, and no signature is right that nobody
// has made.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "node/s3/chunk_decoder.h"
#include "node/s3/signature.h"
#include "node/s3/xml.h"

namespace s3 = cusp::node::s3;

namespace {

void try_signature(std::string_view text) {
  cusp::http::Request request{.method = "GET", .scheme = "http", .authority = "a"};
  const size_t line = std::min(text.find('\n'), text.size());
  request.target = "/" + std::string(text.substr(0, line));
  request.fields.try_add("x-amz-date", "20130524T000000Z");
  request.fields.try_add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  request.fields.try_add("authorization", text.substr(std::min(text.size(), line + 1)));
  const auto target = s3::parse_target(request, "s3.example");
  if (!target) return;
  const auto token = std::make_shared<const cusp::node::Token>(
      cusp::node::Token{.id = "A", .secret = "a secret that no input can know"});
  const auto find = [&](std::string_view) { return token; };
  if (s3::verify(request, *target, find, std::chrono::sys_days())) std::abort();
}

void try_chunks(std::string_view text, bool trailers) {
  s3::ChunkDecoder whole(std::nullopt, trailers);
  s3::ChunkDecoder pieces(std::nullopt, trailers);
  std::string content;
  std::string again;
  const bool good = whole.feed(text, content).has_value();
  bool same = true;
  for (size_t at = 0; same && at < text.size(); ++at) {
    same = pieces.feed(text.substr(at, 1), again).has_value();
  }
  if (same != good || content != again || content.size() > text.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_signature(text);
  try_chunks(text, true);
  try_chunks(text, false);
  s3::parse_xml(text);
  return 0;
}
