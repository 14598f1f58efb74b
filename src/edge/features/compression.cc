#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "edge/cache/text.h"
#include "edge/compression/compressed_body.h"
#include "edge/features/features.h"
#include "edge/negotiation.h"

// compression = true, or
// compression = { encodings = ["br", "gzip"], minimum = "1KiB", types = ["text/*"] }
namespace cusp::edge {

namespace {

constexpr std::array kEncodings = {Encoding::kZstd, Encoding::kBrotli, Encoding::kGzip};

// What shrinks. Pictures, films and archives have been compressed already.
constexpr std::array kTypes = std::to_array<std::string_view>({
    "text/*",
    "*+json",
    "*+xml",
    "*+text",
    "application/json",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/wasm",
    "application/x-ndjson",
    "application/graphql",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
});

// What tells of the bytes as they were.
constexpr std::array kOfTheBytes = std::to_array<std::string_view>(
    {"content-digest", "digest", "content-md5", "content-encoding", "content-range"});

struct CompressionOptions {
  std::vector<Encoding> encodings{kEncodings.begin(), kEncodings.end()};
  std::vector<std::string> types{kTypes.begin(), kTypes.end()};
  uint64_t bytes_min = 1024;
  CompressionLevels levels;
};

bool says_no_transform(const http::Fields& fields) {
  const auto control = fields.get_all("cache-control");
  if (!control) return false;
  const auto members = cache::lower_members(*control);
  return std::ranges::find(members, "no-transform") != members.end();
}

class Compression final : public Feature {
 public:
  explicit Compression(CompressionOptions options) : options_(std::move(options)) {}

  // So early that it is among the last on the way out: what others make of a response is
  // compressed too.
  Phase phase() const override { return Phase::kIdentify; }

  Outcome act(Exchange& exchange) const override {
    const http::Fields& fields = exchange.request.fields;
    if (!says_no_transform(fields)) {
      exchange.remember(*this, fields.get_all("accept-encoding").value_or(""));
    }
    return Continue{};
  }

  void deliver(Exchange& exchange, http::Response& response) const override {
    const std::string* accept = exchange.remembered(*this);
    if (accept == nullptr) return;
    if (response.status == 304) return tag_not_modified(exchange, *accept, response);
    if (!may_compress(response)) return;
    add_vary(response.fields, "accept-encoding");
    const Encoding encoding = negotiate(*accept, options_.encodings);
    if (encoding == Encoding::kIdentity) return;
    response.body = encoded(exchange, std::move(response.body), encoding);
    response.fields.set("content-encoding", to_string(encoding));
    // Its length is not known, nor are parts of it to be had.
    response.fields.remove("content-length");
    response.fields.remove("accept-ranges");
    weaken_etag(response.fields);
  }

 private:
  bool may_compress(const http::Response& response) const {
    if (!response.body || response.tunnel) return false;
    if (response.status < 200 || response.status == 204 || response.status == 206 ||
        response.status == 304) {
      return false;
    }
    return may_compress(response.fields, response.body->size());
  }

  bool may_compress(const http::Fields& fields, std::optional<uint64_t> size) const {
    for (const auto name : kOfTheBytes) {
      if (fields.get(name)) return false;
    }
    if (size && *size < options_.bytes_min) return false;
    if (says_no_transform(fields)) return false;
    const auto type = fields.get("content-type");
    if (!type) return false;
    const std::string media = cache::to_lower(cache::trim(type->substr(0, type->find(';'))));
    return std::ranges::any_of(options_.types, [&](const std::string& pattern) {
      return cache::matches_wildcard(pattern, media);
    });
  }

  // What the cache has stored is compressed once for each encoding.
  std::unique_ptr<http::Body> encoded(const Exchange& exchange, std::unique_ptr<http::Body> body,
                                      Encoding encoding) const {
    const auto& stored = exchange.stored;
    const bool is_stored = stored && stored->body == body.get();
    if (is_stored) {
      if (auto kept = stored->cache.encoded(*stored->object, to_string(encoding))) return kept;
    }
    auto encoder = make_encoder(encoding, options_.levels, body->size());
    body = compress(std::move(body), std::move(encoder));
    if (!is_stored) return body;
    return stored->cache.keep_encoded(stored->object, to_string(encoding), std::move(body));
  }

  // A 304 has the fields that its 200 would have had (RFC 9110 section 15.4.5).
  void tag_not_modified(const Exchange& exchange, const std::string& accept,
                        http::Response& response) const {
    if (!exchange.stored) return;
    const cache::Object& object = *exchange.stored->object;
    if (!may_compress(object.fields, object.content.size)) return;
    add_vary(response.fields, "accept-encoding");
    if (negotiate(accept, options_.encodings) != Encoding::kIdentity) weaken_etag(response.fields);
  }

  // The bytes are others, what they mean is the same (RFC 9110 section 8.8.1).
  static void weaken_etag(http::Fields& fields) {
    const auto etag = fields.get("etag");
    if (etag && etag->starts_with('"')) fields.set("etag", "W/" + std::string(*etag));
  }

  const CompressionOptions options_;
};

std::vector<Encoding> read_encodings(const Value& value) {
  std::vector<Encoding> encodings;
  for (const std::string& name : value.strings()) {
    const auto encoding = encoding_of(name);
    if (!encoding || encoding == Encoding::kIdentity) {
      value.error(fmt::format("'{}' is none of the encodings 'zstd', 'br' and 'gzip'", name));
    } else {
      encodings.push_back(*encoding);
    }
  }
  if (encodings.empty()) value.error("'encodings' needs at least one");
  return encodings;
}

CompressionOptions read_options(TableReader& table) {
  CompressionOptions options;
  if (const auto value = table.value("encodings")) options.encodings = read_encodings(*value);
  if (table.has("types")) options.types = table.strings("types");
  if (const auto value = table.value("minimum")) {
    options.bytes_min = value->bytes().value_or(options.bytes_min);
  }
  if (auto levels = table.table("levels")) {
    CompressionLevels& chosen = options.levels;
    chosen.gzip = static_cast<int>(levels->integer("gzip", 1, 9).value_or(chosen.gzip));
    chosen.brotli = static_cast<int>(levels->integer("br", 0, 11).value_or(chosen.brotli));
    chosen.zstd = static_cast<int>(levels->integer("zstd", 1, 19).value_or(chosen.zstd));
    levels->finish();
  }
  table.finish();
  return options;
}

}  // namespace

std::unique_ptr<Feature> read_compression(const Value& value, const FeatureContext&) {
  if (value.is_boolean()) return std::make_unique<Compression>(CompressionOptions{});
  auto table = value.table("the table 'compression'");
  if (!table) return nullptr;
  return std::make_unique<Compression>(read_options(*table));
}

}  // namespace cusp::edge
