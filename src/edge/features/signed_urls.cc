#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "base/base64.h"
#include "edge/auth/credentials.h"
#include "edge/auth/secret.h"
#include "edge/cache/text.h"
#include "edge/features/features.h"
#include "edge/percent.h"

// signed_urls = { keys = { k1 = { env = "URL_KEY" } }, unsigned = ["utm_*"] }
//
// /film.mp4?expires=1767225600&key=k1&signature=… : the signature is the HMAC-SHA256 of all that
// stands before "&signature=", byte for byte, so that there is nothing to normalise and nothing
// that could be added unseen.
namespace cusp::edge {

namespace {

constexpr std::string_view kExpires = "expires";
constexpr std::string_view kKey = "key";
constexpr std::string_view kSignature = "signature";
constexpr size_t kSecretBytesMin = 16;

struct SignedUrlOptions {
  std::map<std::string, std::string> keys;  // id → secret
  std::vector<std::string> unsigned_names;  // patterns of parameters that may follow the signature
  std::vector<std::string> methods{"GET", "HEAD"};
};

// A target, cut at its signature.
struct SignedTarget {
  std::string_view signed_part;
  std::string_view signature;
  std::string_view rest;  // "a=b&c=d", behind the signature
};

// At the first "&signature=": what comes before is what was signed, whatever it holds.
std::optional<SignedTarget> cut(std::string_view target) {
  const std::string mark = fmt::format("&{}=", kSignature);
  const size_t question = target.find('?');
  const size_t at = question == target.npos ? target.npos : target.find(mark, question);
  if (at == target.npos) return std::nullopt;
  const std::string_view behind = target.substr(at + mark.size());
  const size_t end = std::min(behind.find('&'), behind.size());
  return SignedTarget{.signed_part = target.substr(0, at),
                      .signature = behind.substr(0, end),
                      .rest = behind.substr(std::min(end + 1, behind.size()))};
}

std::optional<int64_t> parse_time(std::string_view text) {
  int64_t time = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), time);
  const bool whole = !text.empty() && error == std::errc() && end == text.end();
  return whole && time >= 0 ? std::optional(time) : std::nullopt;
}

class SignedUrls final : public Feature {
 public:
  explicit SignedUrls(SignedUrlOptions options) : options_(std::move(options)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    const std::string_view problem = check(exchange.request);
    if (!problem.empty()) {
      exchange.explain([&] { return std::string(problem); });
      return forbidden();
    }
    // What answers, and what caches it, sees the same URL whoever signed it, and when.
    for (const auto name : {kExpires, kKey, kSignature}) {
      exchange.request.target = without_parameter(exchange.request.target, name);
    }
    exchange.explain([] { return "the signature is right"; });
    return Continue{};
  }

 private:
  // What is wrong with the request; empty: nothing.
  std::string_view check(const http::Request& request) const {
    if (std::ranges::find(options_.methods, request.method) == options_.methods.end()) {
      return "the signature is not one for this method";
    }
    const auto target = cut(request.target);
    if (!target) return "the URL is not signed";
    const auto id = find_parameter(target->signed_part, kKey);
    const auto key = id ? options_.keys.find(*id) : options_.keys.end();
    if (key == options_.keys.end()) return "the URL is signed with a key that is not known";
    const auto signature = base64url_decode(target->signature);
    const std::string expected = hmac_sha256(key->second, target->signed_part);
    if (!signature || !equal_in_constant_time(*signature, expected)) {
      return "the signature is not right";
    }
    const auto expires = find_parameter(target->signed_part, kExpires);
    const auto time = expires ? parse_time(*expires) : std::nullopt;
    if (!time) return "the URL does not say when it expires";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    if (std::chrono::duration_cast<std::chrono::seconds>(now).count() >= *time) {
      return "the URL has expired";
    }
    if (!may_follow(target->rest)) return "a parameter is not signed";
    return {};
  }

  bool may_follow(std::string_view rest) const {
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view parameter = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const std::string name = form_decode(parameter.substr(0, parameter.find('=')));
      const bool fits = std::ranges::any_of(options_.unsigned_names, [&](const auto& pattern) {
        return cache::matches_wildcard(pattern, name);
      });
      if (!fits) return false;
    }
    return true;
  }

  const SignedUrlOptions options_;
};

}  // namespace

std::unique_ptr<Feature> read_signed_urls(const Value& value, const FeatureContext& context) {
  auto table = value.table("the table 'signed_urls'");
  if (!table) return nullptr;
  SignedUrlOptions options;
  if (auto keys = table->table("keys")) {
    for (const auto& entry : keys->entries()) {
      auto secret = read_secret(entry.value, context.directory);
      if (!secret) continue;
      if (secret->size() < kSecretBytesMin) {
        entry.value.error(fmt::format("a secret for URLs has at least {} bytes", kSecretBytesMin));
      }
      options.keys[entry.key] = std::move(*secret);
    }
  }
  if (!table->has("keys")) table->error("'signed_urls' needs 'keys', a table of id → secret");
  options.unsigned_names = table->strings("unsigned");
  if (table->has("methods")) options.methods = table->strings("methods");
  table->finish();
  return std::make_unique<SignedUrls>(std::move(options));
}

}  // namespace cusp::edge
