#include "edge/compression/encoder.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace cusp::edge {

namespace {

constexpr size_t kOutputBytes = 16 * 1024;
// Bounds the memory of a stream, on both sides: 256 KiB of the past. Larger windows gain little on
// what pages are made of.
constexpr int kWindowBits = 18;

std::unexpected<Error> refused(std::string_view library) {
  return fail(ErrorCode::kInternal, std::string(library) + " cannot go on");
}

class GzipEncoder final : public Encoder {
 public:
  explicit GzipEncoder(int level) {
    constexpr int kGzipWindowBits = 15 + 16;  // 16: with the header of gzip (RFC 1952)
    ready_ =
        ::deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipEncoder() override { ::deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  Result<> write(std::string_view input, Flush flush, std::string& output) override {
    if (!ready_) return refused("zlib");
    const int mode = flush == Flush::kFinish  ? Z_FINISH
                     : flush == Flush::kFlush ? Z_SYNC_FLUSH
                                              : Z_NO_FLUSH;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    do {
      const size_t before = output.size();
      output.resize(before + kOutputBytes);
      stream_.next_out = reinterpret_cast<Bytef*>(output.data() + before);
      stream_.avail_out = kOutputBytes;
      const int status = ::deflate(&stream_, mode);
      output.resize(output.size() - stream_.avail_out);
      if (status == Z_STREAM_ERROR) return refused("zlib");
    } while (stream_.avail_out == 0);
    return {};
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder(int level, std::optional<uint64_t> size)
      : state_(::BrotliEncoderCreateInstance(nullptr, nullptr, nullptr),
               ::BrotliEncoderDestroyInstance) {
    if (!state_) return;
    ::BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_QUALITY, static_cast<uint32_t>(level));
    ::BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_LGWIN, kWindowBits);
    if (size) {
      const auto hint = static_cast<uint32_t>(std::min<uint64_t>(*size, 1U << 30));
      ::BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_SIZE_HINT, hint);
    }
  }

  Result<> write(std::string_view input, Flush flush, std::string& output) override {
    if (!state_) return refused("brotli");
    const auto operation = flush == Flush::kFinish  ? BROTLI_OPERATION_FINISH
                           : flush == Flush::kFlush ? BROTLI_OPERATION_FLUSH
                                                    : BROTLI_OPERATION_PROCESS;
    size_t left = input.size();
    const auto* next = reinterpret_cast<const uint8_t*>(input.data());
    do {
      size_t no_room = 0;
      if (!::BrotliEncoderCompressStream(state_.get(), operation, &left, &next, &no_room, nullptr,
                                         nullptr)) {
        return refused("brotli");
      }
      size_t size = 0;  // all there is
      while (const uint8_t* data = ::BrotliEncoderTakeOutput(state_.get(), &size)) {
        if (size == 0) break;
        output.append(reinterpret_cast<const char*>(data), size);
        size = 0;
      }
    } while (left > 0 || ::BrotliEncoderHasMoreOutput(state_.get()));
    return {};
  }

 private:
  const std::unique_ptr<BrotliEncoderState, decltype(&::BrotliEncoderDestroyInstance)> state_;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder(int level, std::optional<uint64_t> size)
      : context_(::ZSTD_createCCtx(), ::ZSTD_freeCCtx) {
    if (!context_) return;
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kWindowBits);
    if (size) ::ZSTD_CCtx_setPledgedSrcSize(context_.get(), *size);
  }

  Result<> write(std::string_view input, Flush flush, std::string& output) override {
    if (!context_) return refused("zstd");
    const auto mode = flush == Flush::kFinish  ? ZSTD_e_end
                      : flush == Flush::kFlush ? ZSTD_e_flush
                                               : ZSTD_e_continue;
    ZSTD_inBuffer in{.src = input.data(), .size = input.size(), .pos = 0};
    while (true) {
      const size_t before = output.size();
      output.resize(before + kOutputBytes);
      ZSTD_outBuffer out{.dst = output.data() + before, .size = kOutputBytes, .pos = 0};
      const size_t left = ::ZSTD_compressStream2(context_.get(), &out, &in, mode);
      output.resize(before + out.pos);
      if (::ZSTD_isError(left)) return refused("zstd");
      if (flush == Flush::kNone ? in.pos == in.size : left == 0) return {};
    }
  }

 private:
  const std::unique_ptr<ZSTD_CCtx, decltype(&::ZSTD_freeCCtx)> context_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(Encoding encoding, const CompressionLevels& levels,
                                      std::optional<uint64_t> size) {
  switch (encoding) {
    case Encoding::kIdentity: return nullptr;
    case Encoding::kGzip: return std::make_unique<GzipEncoder>(levels.gzip);
    case Encoding::kBrotli: return std::make_unique<BrotliEncoder>(levels.brotli, size);
    case Encoding::kZstd: return std::make_unique<ZstdEncoder>(levels.zstd, size);
  }
  return nullptr;
}

}  // namespace cusp::edge
