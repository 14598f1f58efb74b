#pragma once

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

#include "http/message.h"

// What a client does with a compressed response, with the libraries' own decoders.
namespace cusp::edge::testing {

inline std::string gunzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  std::string plain(8 * 1024 * 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  ::inflate(&stream, Z_SYNC_FLUSH);
  plain.resize(plain.size() - stream.avail_out);
  ::inflateEnd(&stream);
  return plain;
}

inline std::string unbrotli(const std::string& text) {
  std::string plain(8 * 1024 * 1024, '\0');
  size_t left = text.size(), room = plain.size();
  const auto* next = reinterpret_cast<const uint8_t*>(text.data());
  auto* out = reinterpret_cast<uint8_t*>(plain.data());
  auto* state = ::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  ::BrotliDecoderDecompressStream(state, &left, &next, &room, &out, nullptr);
  ::BrotliDecoderDestroyInstance(state);
  plain.resize(plain.size() - room);
  return plain;
}

inline std::string unzstd(const std::string& text) {
  std::string plain(8 * 1024 * 1024, '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer out{plain.data(), plain.size(), 0};
  auto* context = ::ZSTD_createDCtx();
  size_t left = 1;
  while (in.pos < in.size && left != 0 && !::ZSTD_isError(left)) {
    left = ::ZSTD_decompressStream(context, &out, &in);
  }
  ::ZSTD_freeDCtx(context);
  plain.resize(out.pos);
  return plain;
}

inline std::string decode(const http::Response& response, const std::string& text) {
  const auto encoding = response.fields.get("content-encoding").value_or("");
  return encoding == "gzip"   ? gunzip(text)
         : encoding == "br"   ? unbrotli(text)
         : encoding == "zstd" ? unzstd(text)
                              : text;
}

}  // namespace cusp::edge::testing
