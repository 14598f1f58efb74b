#include "engine/call.h"

#include <vector>

#include "base/assert.h"
#include "engine/ffi.h"

namespace cusp::engine {

namespace {

cusp_value to_ffi(const Value& value) {
  struct Convert {
    cusp_value operator()(std::monostate) const { return {.kind = CUSP_NONE, .integer = 0}; }
    cusp_value operator()(bool boolean) const {
      return {.kind = CUSP_BOOLEAN, .integer = boolean ? 1 : 0};
    }
    cusp_value operator()(int64_t integer) const {
      return {.kind = CUSP_INTEGER, .integer = integer};
    }
    cusp_value operator()(double real) const { return {.kind = CUSP_REAL, .real = real}; }
    cusp_value operator()(std::string_view text) const {
      return {.kind = CUSP_TEXT, .bytes = engine::to_ffi(text)};
    }
    cusp_value operator()(Blob blob) const {
      return {.kind = CUSP_BLOB, .bytes = engine::to_ffi(blob.bytes)};
    }
  };
  return std::visit(Convert(), value);
}

cusp_call_error to_ffi(CallFailure failure) {
  using enum CallFailure;
  switch (failure) {
    case kDenied: return CUSP_CALL_DENIED;
    case kNotFound: return CUSP_CALL_NOT_FOUND;
    case kInvalid: return CUSP_CALL_INVALID;
    case kConflict: return CUSP_CALL_CONFLICT;
    case kLimit: return CUSP_CALL_LIMIT;
    case kBusy: return CUSP_CALL_BUSY;
    case kOther: break;
  }
  return CUSP_CALL_OTHER;
}

template <class T>
T get(const Value& value) {
  const T* content = std::get_if<T>(&value);
  CUSP_ASSERT(content != nullptr);
  return *content;
}

template <class T>
std::optional<T> get_optional(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  return get<T>(value);
}

}  // namespace

Value Arguments::operator[](size_t index) const {
  CUSP_ASSERT(index < count_);
  const cusp_value& value = values_[index];
  switch (value.kind) {
    case CUSP_BOOLEAN: return value.integer != 0;
    case CUSP_INTEGER: return value.integer;
    case CUSP_REAL: return value.real;
    case CUSP_TEXT: return from_ffi(value.bytes);
    case CUSP_BLOB: return Blob{from_ffi(value.bytes)};
    case CUSP_NONE: break;
  }
  return std::monostate();
}

bool Arguments::boolean(size_t index) const { return get<bool>((*this)[index]); }
int64_t Arguments::integer(size_t index) const { return get<int64_t>((*this)[index]); }
std::string_view Arguments::text(size_t index) const {
  return get<std::string_view>((*this)[index]);
}
std::string_view Arguments::blob(size_t index) const { return get<Blob>((*this)[index]).bytes; }

std::optional<int64_t> Arguments::optional_integer(size_t index) const {
  return get_optional<int64_t>((*this)[index]);
}
std::optional<std::string_view> Arguments::optional_text(size_t index) const {
  return get_optional<std::string_view>((*this)[index]);
}

void Call::answer(std::span<const Value> values) {
  std::vector<cusp_value> native;
  native.reserve(values.size());
  for (const Value& value : values) native.push_back(to_ffi(value));
  cusp_call_answer(native_.get(), native.data(), native.size());
}

void Call::fail(CallFailure failure, std::string_view message) {
  cusp_call_fail(native_.get(), to_ffi(failure), engine::to_ffi(message));
}

void Call::Free::operator()(cusp_call* call) const { cusp_call_free(call); }

}  // namespace cusp::engine
