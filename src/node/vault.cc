#include "node/vault.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "node/ask.h"

namespace cusp::node {

namespace {

using nlohmann::json;

// Without the slashes around it.
std::string_view trimmed(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

class VaultProvider final : public app::VariableProvider {
 public:
  explicit VaultProvider(app::VaultOptions options) : options_(std::move(options)) {
    while (options_.url.ends_with('/')) options_.url.pop_back();
  }

  Result<std::optional<std::string>> get(const std::string& name) const override {
    const std::string_view prefix = trimmed(options_.prefix);
    const std::string url =
        fmt::format("{}/v1/{}/data/{}{}{}", options_.url, trimmed(options_.mount), prefix,
                    prefix.empty() ? "" : "/", name);
    CUSP_TRY(http::Request request, request_for("GET", url));
    request.fields.add("x-vault-token", options_.token);
    auto answer = ask(std::move(request), limits::kMiB);
    if (!answer) {
      return failed(ErrorCode::kUnavailable, url,
                    fmt::format("does not answer: {}", answer.error().message));
    }
    switch (answer->status) {
      case 200: return value_of(answer->body, url);
      case 404: return std::nullopt;
      case 403:
        return failed(ErrorCode::kPermissionDenied, url, "says that the token may not read this");
      default:
        return failed(ErrorCode::kUnavailable, url, fmt::format("answers {}", answer->status));
    }
  }

 private:
  static std::unexpected<Error> failed(ErrorCode code, const std::string& url,
                                       std::string_view what) {
    return fail(code, fmt::format("Vault ({}) {}", url, what));
  }

  static Result<std::optional<std::string>> value_of(const std::string& body,
                                                     const std::string& url) {
    const json document = json::parse(body, nullptr, false);
    const json::json_pointer place("/data/data/value");
    if (document.is_object() && document.contains(place) && document.at(place).is_string()) {
      return document.at(place).get<std::string>();
    }
    return failed(ErrorCode::kUnavailable, url,
                  "has no text at data.data.value: `vault kv put` it as value=…");
  }

  app::VaultOptions options_;
};

}  // namespace

std::unique_ptr<app::VariableProvider> make_vault_provider(app::VaultOptions options) {
  return std::make_unique<VaultProvider>(std::move(options));
}

}  // namespace cusp::node
