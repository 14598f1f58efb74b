#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/descriptor.h"
#include "store/backup/archive.h"

// The input is a file that somebody calls a backup.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const cusp::Descriptor file(::memfd_create("backup", MFD_CLOEXEC));
  CUSP_ASSERT(::write(file, data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(static_cast<int>(file));
  uint64_t done = 0;
  const auto contents = cusp::store::backup::verify(path, [&](uint64_t bytes) {
    CUSP_ASSERT(bytes >= done);
    done = bytes;
  });
  CUSP_ASSERT(!contents || contents->bytes() == done);
  return 0;
}
