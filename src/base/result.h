#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace cusp {

// The outcome of anything that can fail for a reason that lies outside the program.
template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(ErrorCode::kNotFound, "no component named 'x'", "cusp.toml:4:1");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string context = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(context)});
}

}  // namespace cusp

#define CUSP_CONCAT_INNER(a, b) a##b
#define CUSP_CONCAT(a, b) CUSP_CONCAT_INNER(a, b)

// `CUSP_TRY(auto value, expression)` binds the value or returns the error from the enclosing
// function.
#define CUSP_TRY(declaration, expression)                                   \
  auto CUSP_CONCAT(try_, __LINE__) = (expression);                          \
  if (!CUSP_CONCAT(try_, __LINE__))                                         \
    return std::unexpected(std::move(CUSP_CONCAT(try_, __LINE__)).error()); \
  declaration = std::move(*CUSP_CONCAT(try_, __LINE__))

// The same for an expression without a value.
#define CUSP_CHECK(expression)                         \
  if (auto check_result = (expression); !check_result) \
  return std::unexpected(std::move(check_result).error())

// The same two inside a coroutine.
#define CUSP_CO_TRY(declaration, expression)                                   \
  auto CUSP_CONCAT(try_, __LINE__) = (expression);                             \
  if (!CUSP_CONCAT(try_, __LINE__))                                            \
    co_return std::unexpected(std::move(CUSP_CONCAT(try_, __LINE__)).error()); \
  declaration = std::move(*CUSP_CONCAT(try_, __LINE__))

#define CUSP_CO_CHECK(expression)                      \
  if (auto check_result = (expression); !check_result) \
  co_return std::unexpected(std::move(check_result).error())
