#include "edge/cache/object_codec.h"

#include <openssl/evp.h>

#include <bit>
#include <cstring>
#include <memory>

namespace cusp::edge::cache {

namespace {

using std::string_view;

static_assert(std::endian::native == std::endian::little);

constexpr string_view kMagic = "cuspobj2";
// More of anything in a meta is not ours.
constexpr uint64_t kCountMax = 4096;

class Writer {
 public:
  void number(uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }
  void text(string_view text) {
    number(text.size());
    out_.append(text);
  }
  void fields(const http::Fields& fields) {
    number(fields.size());
    for (const auto [name, value] : fields) {
      text(name);
      text(value);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Answers zeros and empty texts once something was missing; good() tells.
class Reader {
 public:
  explicit Reader(string_view in) : in_(in) {}
  bool good() const { return good_ && in_.empty(); }

  uint64_t number() {
    uint64_t value = 0;
    if (in_.size() < sizeof(value)) return bad();
    std::memcpy(&value, in_.data(), sizeof(value));
    in_.remove_prefix(sizeof(value));
    return value;
  }
  int64_t signed_number() { return static_cast<int64_t>(number()); }
  uint64_t count() {
    const uint64_t value = number();
    return value <= kCountMax ? value : bad();
  }
  std::string text() {
    const uint64_t size = number();
    if (size > in_.size()) {
      bad();
      return {};
    }
    std::string out(in_.substr(0, size));
    in_.remove_prefix(size);
    return out;
  }
  http::Fields fields() {
    http::Fields fields;
    for (uint64_t left = count(); left > 0 && good_; --left) {
      const std::string name = text();
      if (!fields.try_add(name, text())) bad();
    }
    return fields;
  }

 private:
  uint64_t bad() {
    good_ = false;
    return 0;
  }
  string_view in_;
  bool good_ = true;
};

void write_freshness(Writer& out, const Freshness& freshness) {
  out.number(static_cast<uint64_t>(freshness.received.time_since_epoch().count()));
  out.number(static_cast<uint64_t>(freshness.initial_age.count()));
  out.number(static_cast<uint64_t>(freshness.lifetime.count()));
  out.number(static_cast<uint64_t>(freshness.stale_while_revalidate.count()));
  out.number(static_cast<uint64_t>(freshness.stale_if_error.count()));
  out.number(freshness.validate_always);
  out.number(freshness.must_revalidate);
}

Freshness read_freshness(Reader& in) {
  Freshness freshness;
  freshness.received = Time(std::chrono::milliseconds(in.signed_number()));
  freshness.initial_age = Seconds(in.signed_number());
  freshness.lifetime = Seconds(in.signed_number());
  freshness.stale_while_revalidate = Seconds(in.signed_number());
  freshness.stale_if_error = Seconds(in.signed_number());
  freshness.validate_always = in.number() != 0;
  freshness.must_revalidate = in.number() != 0;
  return freshness;
}

}  // namespace

std::string encode(const FileHeader& header) {
  std::string out(kMagic);
  out.append(8, '\0');
  out[FileHeader::kSoftAt] = header.softly_purged ? 1 : 0;
  const uint64_t meta_bytes = header.meta_bytes;
  out.append(reinterpret_cast<const char*>(&meta_bytes), sizeof(meta_bytes));
  out.append(reinterpret_cast<const char*>(&header.content_bytes), sizeof(header.content_bytes));
  return out + header.tail_digest;
}

std::optional<FileHeader> decode_header(string_view bytes) {
  if (bytes.size() < FileHeader::kBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  FileHeader header;
  header.softly_purged = bytes[FileHeader::kSoftAt] != 0;
  uint64_t meta_bytes = 0;
  std::memcpy(&meta_bytes, bytes.data() + 16, sizeof(meta_bytes));
  std::memcpy(&header.content_bytes, bytes.data() + 24, sizeof(header.content_bytes));
  if (meta_bytes > UINT32_MAX) return std::nullopt;
  header.meta_bytes = static_cast<uint32_t>(meta_bytes);
  header.tail_digest = bytes.substr(32, Digest::kBytes);
  return header;
}

std::string encode_meta(const Object& object) {
  Writer out;
  out.text(object.key);
  out.text(object.url);
  out.text(object.name_space);
  out.number(object.variance.choices.size());
  for (const auto& choice : object.variance.choices) {
    out.text(choice.name);
    out.number(choice.value.has_value());
    out.text(choice.value.value_or(""));
  }
  out.text(object.variance.content_language);
  out.number(object.status);
  out.fields(object.fields);
  out.number(object.trailers.has_value());
  out.fields(object.trailers.value_or(http::Fields()));
  const ContentRange part = object.part.value_or(ContentRange());
  out.number(object.part.has_value());
  out.number(part.range.first);
  out.number(part.range.end);
  out.number(part.complete);
  write_freshness(out, object.freshness);
  out.number(object.tags.size());
  for (const auto& tag : object.tags) out.text(tag);
  return out.take();
}

std::optional<Object> decode_meta(string_view bytes) {
  Reader in(bytes);
  Object object;
  object.key = in.text();
  object.url = in.text();
  object.name_space = in.text();
  for (uint64_t left = in.count(); left > 0; --left) {
    Variance::Choice choice;
    choice.name = in.text();
    const bool has_value = in.number() != 0;
    std::string value = in.text();
    if (has_value) choice.value = std::move(value);
    object.variance.choices.push_back(std::move(choice));
  }
  object.variance.content_language = in.text();
  object.status = static_cast<uint16_t>(in.number());
  object.fields = in.fields();
  const bool has_trailers = in.number() != 0;
  http::Fields trailers = in.fields();
  if (has_trailers) object.trailers = std::move(trailers);
  const bool is_part = in.number() != 0;
  ContentRange part;
  part.range.first = in.number();
  part.range.end = in.number();
  part.complete = in.number();
  if (is_part) object.part = part;
  object.freshness = read_freshness(in);
  for (uint64_t left = in.count(); left > 0; --left) object.tags.push_back(in.text());
  if (!in.good()) return std::nullopt;
  return object;
}

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
}

Digest::~Digest() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Digest::add(string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

std::string Digest::finish() {
  std::string out(kBytes, '\0');
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_),
                     reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

std::string digest_of(string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.finish();
}

}  // namespace cusp::edge::cache
