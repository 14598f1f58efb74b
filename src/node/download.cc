#include "node/download.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/file.h"
#include "base/limits.h"
#include "node/ask.h"
#include "node/digest.h"

namespace cusp::node {

namespace {

constexpr int kRedirectsMax = 5;

Result<std::string> fetch(std::string url) {
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    CUSP_TRY(http::Request request, request_for("GET", url));
    const std::string origin = request.scheme + "://" + request.authority;
    CUSP_TRY(Answer answer, ask(std::move(request), limits::kBundleBytesMax));
    if (answer.status == 200) return std::move(answer.body);
    const auto location = answer.fields.get("location");
    if (answer.status / 100 != 3 || !location) {
      return fail(ErrorCode::kUnavailable, fmt::format("the server answered {}", answer.status),
                  url);
    }
    url = location->starts_with('/') ? origin + std::string(*location) : std::string(*location);
  }
  return fail(ErrorCode::kUnavailable, "too many redirects", url);
}

}  // namespace

Result<std::string> download(const std::string& url, const std::string& digest,
                             const std::string& directory) {
  const std::string path = directory + "/" + digest.substr(digest.find(':') + 1) + ".wasm";
  const auto matches = [&](const std::string& bytes) {
    return "sha256:" + sha256_hex({bytes}) == digest;
  };
  if (auto kept = read_file(path); kept && matches(*kept)) return kept;
  auto bytes = fetch(url);
  if (!bytes) {
    bytes.error().message = fmt::format("cannot download {}: {}", url, bytes.error().message);
    return bytes;
  }
  if (!matches(*bytes)) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{} is not what its digest says: expected {}, got sha256:{}", url,
                            digest, sha256_hex({*bytes})));
  }
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  CUSP_CHECK(write_file(path, *bytes));
  return bytes;
}

}  // namespace cusp::node
