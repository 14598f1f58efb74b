#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/compression/encoding.h"

namespace cusp::edge {

// How hard an encoder tries; the defaults favour speed: it runs on the shard.
struct CompressionLevels {
  int gzip = 5;
  int brotli = 4;
  int zstd = 3;
};

// Compresses one body, part by part.
class Encoder {
 public:
  enum class Flush : uint8_t {
    kNone,    // output may wait for more input
    kFlush,   // what has been written can be read by the other side
    kFinish,  // and this was the last
  };

  virtual ~Encoder() = default;

  // Appends to `output` what `input` comes to. Errors: kInternal, when a library refuses.
  virtual Result<> write(std::string_view input, Flush flush, std::string& output) = 0;
};

// `size` is that of the whole body, if it is known. Null for kIdentity.
std::unique_ptr<Encoder> make_encoder(Encoding encoding, const CompressionLevels& levels,
                                      std::optional<uint64_t> size);

}  // namespace cusp::edge
