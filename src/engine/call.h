#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "cusp_operations.h"

struct cusp_call;
struct cusp_value;

namespace cusp::engine {

using Operation = cusp_operation;

// Bytes, where a std::string_view is text.
struct Blob {
  std::string_view bytes;
};

// One value of a call or its answer; std::monostate is none. A view: it owns nothing.
using Value = std::variant<std::monostate, bool, int64_t, double, std::string_view, Blob>;

// A value, or none.
template <class T>
Value to_value(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}

// What a guest calls with, as cusp_operations.h lists it for each operation. Valid until the
// function that it was handed to returns: copy what a later answer needs. To ask for a type that an
// argument does not have is a bug: the engine has made them.
class Arguments {
 public:
  Arguments(const cusp_value* values, size_t count) : values_(values), count_(count) {}

  size_t size() const { return count_; }
  Value operator[](size_t index) const;
  bool boolean(size_t index) const;
  int64_t integer(size_t index) const;
  std::optional<int64_t> optional_integer(size_t index) const;
  std::string_view text(size_t index) const;
  std::optional<std::string_view> optional_text(size_t index) const;
  std::string_view blob(size_t index) const;

 private:
  const cusp_value* values_;
  size_t count_;
};

// Why a call fails, in terms that the interfaces of guests have words for.
enum class CallFailure : uint8_t {
  kOther,
  kDenied,    // the manifest does not grant it
  kNotFound,  // there is no such store, database …
  kInvalid,   // an argument that can never work
  kConflict,  // something changed meanwhile: read again
  kLimit,     // more than a limit allows
  kBusy,      // may work later
};

// A guest's call of a capability, which waits for its end: one answer or one failure. Belongs to
// the shard of its invocation and may outlive that; then its end has no effect. An end within the
// function that the call was handed to lets the guest go on at once. Destroyed without an end, it
// fails for the guest.
class Call {
 public:
  // Takes `native` over.
  Call(Operation operation, cusp_call* native) : operation_(operation), native_(native) {}

  Operation operation() const { return operation_; }

  // The values are copied.
  void answer(std::span<const Value> values);
  void answer(std::initializer_list<Value> values) { answer(std::span(values)); }
  void answer() { answer(std::span<const Value>()); }
  // `message` tells the guest's author what was wrong and what to do about it.
  void fail(CallFailure failure, std::string_view message);

 private:
  struct Free {
    void operator()(cusp_call* call) const;
  };

  Operation operation_;
  std::unique_ptr<cusp_call, Free> native_;
};

}  // namespace cusp::engine
