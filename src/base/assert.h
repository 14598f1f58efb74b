#pragma once

// A condition that only a bug can break. Input from outside never gets here. Stays on in release
// builds.
#define CUSP_ASSERT(condition)                               \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::cusp::assert_failed(#condition, __FILE__, __LINE__); \
  } while (false)

namespace cusp {

// Prints the condition and the place to standard error and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace cusp
