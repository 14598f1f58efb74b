#include <unordered_map>

#include <fmt/format.h>

#include "edge/auth/credentials.h"
#include "edge/auth/name_list.h"
#include "edge/auth/secret.h"
#include "edge/cache/text.h"
#include "edge/features/features.h"

// api_keys = { keys = { acme = "sha256:9f86d0…" }, header = "x-api-key", field = "x-api-client" }
namespace cusp::edge {

namespace {

constexpr size_t kKeyBytesMax = 1024;

struct ApiKeyOptions {
  std::string realm;
  std::string header;
  std::string parameter;                               // empty: keys are in the header alone
  std::unordered_map<std::string, std::string> names;  // by the SHA-256 of the key
  std::optional<TrustedField> field;
  bool forward = false;
};

class ApiKeys final : public Feature {
 public:
  explicit ApiKeys(ApiKeyOptions options) : options_(std::move(options)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    http::Request& request = exchange.request;
    if (options_.field) options_.field->remove_forged(request.fields);
    const auto key = find_key(request);
    if (!key) return refuse(exchange, "no key");
    if (key->empty() || key->size() > kKeyBytesMax) return refuse(exchange, "the key is malformed");
    // Looked up by its digest: what time the search takes tells of digests alone.
    const auto found = options_.names.find(sha256(*key));
    if (found == options_.names.end()) return refuse(exchange, "the key is not known");
    if (!options_.forward) {
      request.fields.remove(options_.header);
      if (!options_.parameter.empty()) {
        request.target = without_parameter(request.target, options_.parameter);
      }
    }
    if (options_.field) options_.field->set(request.fields, found->second);
    exchange.known_good = true;
    exchange.explain([&] { return fmt::format("the key is that of '{}'", found->second); });
    return Continue{};
  }

 private:
  std::optional<std::string> find_key(const http::Request& request) const {
    const http::Fields& fields = request.fields;
    if (options_.header == "authorization") {
      if (auto key = authorization(fields, "bearer")) return key;
    } else if (fields.count(options_.header) == 1) {
      return std::string(*fields.get(options_.header));
    }
    if (options_.parameter.empty()) return std::nullopt;
    return find_parameter(request.target, options_.parameter);
  }

  Outcome refuse(Exchange& exchange, std::string_view why) const {
    exchange.explain([&] { return std::string(why); });
    const bool bearer = options_.header == "authorization";
    return unauthorized(
        fmt::format("{} realm={}", bearer ? "Bearer" : "ApiKey", quoted_string(options_.realm)));
  }

  const ApiKeyOptions options_;
};

// "sha256:" and 64 hexadecimal digits, as bytes; empty: malformed.
std::string read_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  if (text.size() != 64) return {};
  std::string digest;
  for (size_t i = 0; i < text.size(); i += 2) {
    const size_t high = kDigits.find(cache::lower(text[i]));
    const size_t low = kDigits.find(cache::lower(text[i + 1]));
    if (high == kDigits.npos || low == kDigits.npos) return {};
    digest += static_cast<char>(high << 4 | low);
  }
  return digest;
}

}  // namespace

std::unique_ptr<Feature> read_api_keys(const Value& value, const FeatureContext& context) {
  auto table = value.table("the table 'api_keys'");
  if (!table) return nullptr;
  ApiKeyOptions options{.realm = table->string_or("realm", context.app)};
  if (!http::valid_field_value(options.realm)) table->error("'realm' cannot stand in a field");
  options.header = "x-api-key";
  if (const auto header = table->value("header")) {
    options.header = TrustedField::read_name(*header, header->string().value_or(""));
  }
  options.parameter = table->string_or("query", "");
  for (const auto& [name, text] : read_name_list(*table, "keys", context.directory)) {
    const std::string digest = read_digest(text);
    if (digest.empty()) {
      table->error(
          fmt::format("the key of '{}' is not \"sha256:\" and 64 hexadecimal digits: the "
                      "digest of the key, never the key itself",
                      name));
    } else if (!options.names.emplace(digest, name).second) {
      table->error(fmt::format("'{}' has the same key as '{}'", name, options.names[digest]));
    }
  }
  if (const auto field = table->value("field")) {
    options.field.emplace(TrustedField::read_name(*field, field->string().value_or("")));
  }
  options.forward = table->boolean("forward").value_or(false);
  table->finish();
  return std::make_unique<ApiKeys>(std::move(options));
}

}  // namespace cusp::edge
