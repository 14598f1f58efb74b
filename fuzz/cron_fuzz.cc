#include <cstddef>
#include <cstdint>

#include "app/cron.h"
#include "base/assert.h"

// The input is a cron expression. Each time that it names lies behind the one before.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto cron = cusp::app::Cron::parse({reinterpret_cast<const char*>(data), size});
  if (!cron) return 0;
  std::chrono::sys_seconds time{};
  for (int i = 0; i < 3; ++i) {
    const auto next = cron->next(time);
    if (!next) return 0;
    CUSP_ASSERT(*next > time);
    time = *next;
  }
  return 0;
}
