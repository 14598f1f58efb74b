#include "http/read_within.h"

#include <fmt/format.h>

namespace cusp::http {

io::Task<Result<std::string>> read_within(Body* body, size_t bytes_max,
                                          std::chrono::steady_clock::time_point deadline,
                                          std::string_view who) {
  std::string text;
  while (body != nullptr) {
    CUSP_CO_TRY(const BodyPart part, co_await body->read());
    text.append(part.bytes());
    if (text.size() > bytes_max) {
      co_return fail(ErrorCode::kResourceExhausted,
                     fmt::format("{} answers with more than {} bytes", who, bytes_max));
    }
    if (part.end) break;
    if (std::chrono::steady_clock::now() > deadline) {
      co_return fail(ErrorCode::kDeadlineExceeded, fmt::format("{} took too long", who));
    }
  }
  co_return text;
}

}  // namespace cusp::http
