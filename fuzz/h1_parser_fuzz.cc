#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/h1_parser.h"

// HTTP/1.1 heads and chunked bodies. Beside memory errors it looks for a parser that reads one
// input in two ways: whole or cut into pieces, it must say the same, and what it accepted must be
// safe to send on.
namespace {

using namespace cusp::http;

const HeadLimits kLimits{.head_bytes_max = 2048, .target_bytes_max = 512, .fields_max = 16};

void check_head(std::string_view data, size_t piece) {
  const auto whole = find_head_end(data, 0, kLimits);
  size_t seen = 0;
  for (size_t size = piece; size < data.size(); size += piece) {
    const auto part = find_head_end(data.substr(0, size), seen, kLimits);
    if (!part) break;
    if (*part) {
      CUSP_ASSERT(whole && *whole && **whole == **part);
      break;
    }
    seen = size;
  }
  if (!whole || !*whole) return;
  const std::string_view head = data.substr(0, **whole);
  Request request;
  if (const auto framing = parse_request_head(head, kLimits, request)) {
    CUSP_ASSERT(valid_field_name(request.method));
    CUSP_ASSERT(request.target == "*" || request.target.starts_with('/'));
    CUSP_ASSERT(request.target.find_first_of("\r\n \t") == std::string::npos);
    CUSP_ASSERT(!request.authority.empty());
    for (const auto [name, value] : request.fields) {
      CUSP_ASSERT(valid_field_name(name) && valid_field_value(value));
    }
    CUSP_ASSERT(!request.fields.get("transfer-encoding"));
    CUSP_ASSERT(framing->framing != Framing::kChunked || !request.fields.get("content-length"));
  }
  static_cast<void>(parse_response_head(head, "GET", kLimits));
}

struct Outcome {
  std::string data;
  bool end = false;
};

Outcome decode(std::string_view data, size_t piece) {
  ChunkedDecoder decoder(kLimits);
  Outcome outcome;
  std::string pending;
  while (!outcome.end) {
    const auto step = decoder.next(pending);
    if (!step) break;
    CUSP_ASSERT(step->consumed <= pending.size());
    outcome.data.append(step->data);
    outcome.end = step->end;
    pending.erase(0, step->consumed);
    if (step->consumed > 0) continue;
    if (data.empty()) break;
    pending.append(data.substr(0, piece));
    data.remove_prefix(std::min(piece, data.size()));
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  const std::string_view data(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const size_t piece = bytes[0] % 16 + 1;
  check_head(data, piece);
  const Outcome whole = decode(data, data.size() + 1);
  const Outcome cut = decode(data, piece);
  CUSP_ASSERT(whole.end == cut.end && (!whole.end || whole.data == cut.data));
  return 0;
}
