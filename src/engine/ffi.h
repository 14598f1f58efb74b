#pragma once

// Between C++ and the engine's C ABI. Included by the .cc files of this folder only.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cusp_engine.h"
#include "engine/failure.h"
#include "http/fields.h"

namespace cusp::engine {

inline cusp_bytes to_ffi(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view from_ffi(cusp_bytes bytes) { return {bytes.data, bytes.size}; }

// Fields as the ABI takes them: views into `fields`.
inline std::vector<cusp_field> to_ffi(const http::Fields& fields) {
  std::vector<cusp_field> views;
  views.reserve(fields.size());
  for (const auto& field : fields) views.push_back({to_ffi(field.name), to_ffi(field.value)});
  return views;
}

inline http::Fields from_ffi(const cusp_field* fields, size_t count) {
  http::Fields result;
  for (size_t i = 0; i < count; ++i)
    result.add(from_ffi(fields[i].name), from_ffi(fields[i].value));
  return result;
}

// Takes the error over.
inline Error to_error(cusp_error* error) {
  Error result{cusp_error_get_kind(error) == CUSP_ERROR_INVALID ? ErrorCode::kInvalidArgument
                                                                : ErrorCode::kInternal,
               std::string(from_ffi(cusp_error_message(error))),
               {}};
  cusp_error_free(error);
  return result;
}

struct BufferFree {
  void operator()(cusp_buffer* buffer) const { cusp_buffer_free(buffer); }
};
using Buffer = std::unique_ptr<cusp_buffer, BufferFree>;

inline std::string to_string(const Buffer& buffer) {
  return std::string(from_ffi(cusp_buffer_bytes(buffer.get())));
}

inline FailureKind from_ffi(cusp_failure failure) {
  using enum FailureKind;
  switch (failure) {
    case CUSP_FAILURE_TRAP:
    case CUSP_FAILURE_EXIT: return kTrap;
    case CUSP_FAILURE_STACK_OVERFLOW: return kStackOverflow;
    case CUSP_FAILURE_MEMORY: return kMemoryLimit;
    case CUSP_FAILURE_TABLE: return kTableLimit;
    case CUSP_FAILURE_NO_RESPONSE: return kNoResponse;
    case CUSP_FAILURE_ERROR_CODE: return kErrorCode;
    case CUSP_FAILURE_EXHAUSTED: return kNoInstance;
    case CUSP_FAILURE_BAD_REQUEST: return kBadRequest;
    case CUSP_FAILURE_INTERNAL: break;
  }
  return kInternal;
}

}  // namespace cusp::engine
