#include "node/s3/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "node/digest.h"
#include "store/object/checksum.h"

namespace cusp::node::s3 {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using store::object::hex;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kService = "s3";
constexpr std::string_view kTermination = "aws4_request";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kEmptyDigest =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr seconds kSkewMax{15 * 60};
constexpr seconds kExpiresMax{7 * 24 * 60 * 60};
constexpr size_t kSignatureBytes = 64;
constexpr size_t kSignedFieldsMax = 100;

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos || parts.size() > kSignedFieldsMax) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "20130524T000000Z". Nothing: it is not.
std::optional<sys_seconds> parse_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](size_t at, size_t size) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + size, value);
    return error == std::errc() && end == text.data() + at + size ? value : -1;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  const int hour = number(9, 2);
  const int minute = number(11, 2);
  const int second = number(13, 2);
  if (!day.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         seconds(second);
}

// "AKID/20130524/us-east-1/s3/aws4_request"; the key's own part has no slash.
bool read_scope(std::string_view text, Credential& credential) {
  const auto parts = split(text, '/');
  if (parts.size() != 5 || parts[3] != kService || parts[4] != kTermination) return false;
  credential.key_id = parts[0];
  credential.day = parts[1];
  credential.region = parts[2];
  return !credential.key_id.empty();
}

bool read_signed_fields(std::string_view text, Credential& credential) {
  credential.signed_fields = split(text, ';');
  return std::ranges::is_sorted(credential.signed_fields) &&
         std::ranges::find(credential.signed_fields, "host") != credential.signed_fields.end() &&
         credential.signed_fields.size() <= kSignedFieldsMax;
}

Answer<Credential> parse_authorization(std::string_view text, const http::Request& request) {
  const auto malformed = [] {
    return refuse(400, "AuthorizationHeaderMalformed",
                  "The authorization header is not that of Signature Version 4.");
  };
  if (!text.starts_with(kAlgorithm)) {
    return refuse(400, "InvalidRequest",
                  "The authorization mechanism you have provided is not supported. Please use "
                  "AWS4-HMAC-SHA256.");
  }
  Credential credential;
  bool scope = false;
  bool fields = false;
  for (const auto& part : split(text.substr(kAlgorithm.size()), ',')) {
    const std::string_view one = trimmed(part);
    const size_t equals = std::min(one.find('='), one.size());
    const std::string_view name = one.substr(0, equals);
    const std::string_view value = one.substr(std::min(one.size(), equals + 1));
    if (name == "Credential") scope = read_scope(value, credential);
    if (name == "SignedHeaders") fields = read_signed_fields(value, credential);
    if (name == "Signature") credential.signature = value;
  }
  if (!scope || !fields || credential.signature.size() != kSignatureBytes) return malformed();
  credential.time = request.fields.get("x-amz-date").value_or("");
  if (!parse_time(credential.time) || !credential.time.starts_with(credential.day)) {
    return refuse(403, "AccessDenied", "AWS authentication requires a valid x-amz-date header");
  }
  return credential;
}

Answer<Credential> parse_presigned(const Target& target) {
  const auto wrong = [](std::string message) {
    return refuse(400, "AuthorizationQueryParametersError", std::move(message));
  };
  Credential credential;
  if (target.get("X-Amz-Algorithm") != kAlgorithm) {
    return wrong("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  }
  if (!read_scope(target.get("X-Amz-Credential"), credential)) {
    return wrong("Error parsing the X-Amz-Credential parameter");
  }
  if (!read_signed_fields(target.get("X-Amz-SignedHeaders"), credential)) {
    return wrong("Error parsing the X-Amz-SignedHeaders parameter");
  }
  credential.signature = target.get("X-Amz-Signature");
  credential.time = target.get("X-Amz-Date");
  if (!parse_time(credential.time) || !credential.time.starts_with(credential.day)) {
    return wrong("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  const std::string_view text = target.get("X-Amz-Expires");
  int64_t expires = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), expires);
  if (error != std::errc() || end != text.data() + text.size() || expires < 1 ||
      seconds(expires) > kExpiresMax) {
    return wrong("X-Amz-Expires must be a number from 1 to 604800");
  }
  credential.expires = seconds(expires);
  return credential;
}

// A field's values as they are signed: joined, and runs of spaces made one.
std::string canonical_value(const http::Request& request, const std::string& name) {
  if (name == "host") return request.authority;
  std::string text = request.fields.get_all(name).value_or("");
  if (name == "content-length" && text.empty()) {
    const auto size = request.body ? request.body->size() : std::optional<uint64_t>(0);
    return size ? std::to_string(*size) : text;
  }
  const auto spaces =
      std::ranges::unique(text, [](char a, char b) { return a == ' ' && b == ' '; });
  text.erase(spaces.begin(), spaces.end());
  return std::string(trimmed(text));
}

std::string canonical_request(const http::Request& request, const Target& target,
                              const Credential& credential, std::string_view payload) {
  std::string text = request.method + "\n" + uri_encode(target.path, true) + "\n";
  // Sorted as they are encoded, which is not always the order of what they mean.
  std::vector<std::string> parameters;
  for (const auto& [name, value] : target.query) {
    if (credential.expires && name == "X-Amz-Signature") continue;
    parameters.push_back(uri_encode(name) + "=" + uri_encode(value));
  }
  std::ranges::sort(parameters);
  text += fmt::format("{}\n", fmt::join(parameters, "&"));
  for (const auto& name : credential.signed_fields) {
    text += name + ":" + canonical_value(request, name) + "\n";
  }
  return text + fmt::format("\n{}\n{}", fmt::join(credential.signed_fields, ";"), payload);
}

Answer<> check_time(const Credential& credential, sys_seconds now) {
  const sys_seconds time = *parse_time(credential.time);
  if (time - now > kSkewMax || (!credential.expires && now - time > kSkewMax)) {
    return refuse(403, "RequestTimeTooSkewed",
                  "The difference between the request time and the current time is too large.");
  }
  if (credential.expires && now >= time + *credential.expires) {
    return refuse(403, "AccessDenied", "Request has expired");
  }
  return {};
}

// What could change the meaning of a request is signed, or the request is not the signer's.
bool signs_all(const http::Request& request, const Credential& credential) {
  return std::ranges::all_of(request.fields, [&](const http::Fields::Field& field) {
    if (!field.name.starts_with("x-amz-")) return true;
    return std::ranges::find(credential.signed_fields, field.name) !=
           credential.signed_fields.end();
  });
}

}  // namespace

std::string Credential::scope() const {
  return fmt::format("{}/{}/{}/{}", day, region, kService, kTermination);
}

std::string signing_key(std::string_view secret, const Credential& credential) {
  const std::string day = hmac("AWS4" + std::string(secret), credential.day);
  return hmac(hmac(hmac(day, credential.region), kService), kTermination);
}

std::string signature_of(const http::Request& request, const Target& target,
                         const Credential& credential, std::string_view payload,
                         std::string_view signing_key) {
  const std::string digest = sha256_hex({canonical_request(request, target, credential, payload)});
  return hex(hmac(signing_key, fmt::format("{}\n{}\n{}\n{}", kAlgorithm, credential.time,
                                           credential.scope(), digest)));
}

Answer<Credential> parse_credential(const http::Request& request, const Target& target) {
  const auto field = request.fields.get("authorization");
  const bool presigned = target.has("X-Amz-Algorithm") || target.has("X-Amz-Signature");
  if (field && presigned) {
    return invalid_argument("Only one auth mechanism allowed; the query or the header.");
  }
  if (field) return parse_authorization(*field, request);
  if (presigned) return parse_presigned(target);
  return access_denied();
}

bool ChunkSigner::accept_chunk(std::string_view signature, std::string_view digest_hex) {
  const std::string text = fmt::format("{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}", kAlgorithm, time, scope,
                                       previous, kEmptyDigest, digest_hex);
  if (!equal(hex(hmac(key, text)), signature)) return false;
  previous = signature;
  return true;
}

bool ChunkSigner::accept_trailers(std::string_view signature, std::string_view digest_hex) {
  const std::string text =
      fmt::format("{}-TRAILER\n{}\n{}\n{}\n{}", kAlgorithm, time, scope, previous, digest_hex);
  return equal(hex(hmac(key, text)), signature);
}

Answer<Verified> verify(const http::Request& request, const Target& target, const FindToken& find,
                        sys_seconds now) {
  CUSP_TRY(const Credential credential, parse_credential(request, target));
  TokenPtr token = find(credential.key_id);
  if (!token) {
    return refuse(403, "InvalidAccessKeyId",
                  "The AWS Access Key Id you provided does not exist in our records.");
  }
  std::string payload(request.fields.get("x-amz-content-sha256").value_or(""));
  if (payload.empty() && !credential.expires) {
    return refuse(400, "InvalidRequest", "Missing required header: x-amz-content-sha256");
  }
  if (payload.empty()) payload = kUnsigned;
  std::string signing = signing_key(token->secret, credential);
  if (!equal(signature_of(request, target, credential, payload, signing), credential.signature)) {
    return refuse(403, "SignatureDoesNotMatch",
                  "The request signature we calculated does not match the signature you provided. "
                  "Check your key and signing method.");
  }
  CUSP_CHECK(check_time(credential, now));
  if (!signs_all(request, credential)) {
    return refuse(403, "AccessDenied",
                  "There were headers present in the request which were not signed");
  }
  return Verified{.token = std::move(token),
                  .chunks = {.key = std::move(signing),
                             .time = credential.time,
                             .scope = credential.scope(),
                             .previous = credential.signature},
                  .payload = std::move(payload)};
}

}  // namespace cusp::node::s3
