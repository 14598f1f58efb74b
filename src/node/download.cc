#include "node/download.h"

#include <fmt/format.h>

#include <filesystem>
#include <future>
#include <optional>

#include "base/file.h"
#include "base/limits.h"
#include "http/client.h"
#include "io/asio.h"
#include "io/shard.h"
#include "node/digest.h"

namespace cusp::node {

namespace {

constexpr int kRedirectsMax = 5;

std::optional<http::Request> request_for(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return std::nullopt;
  const size_t path = url.find('/', scheme + 3);
  http::Request request;
  request.method = "GET";
  request.scheme = url.substr(0, scheme);
  request.authority = url.substr(scheme + 3, path == url.npos ? path : path - scheme - 3);
  request.target = path == url.npos ? "/" : url.substr(path);
  if ((request.scheme != "http" && request.scheme != "https") || request.authority.empty()) {
    return std::nullopt;
  }
  return request;
}

io::Task<Result<std::string>> read_all(std::unique_ptr<http::Body> body) {
  std::string bytes;
  while (body != nullptr) {
    CUSP_CO_TRY(http::BodyPart part, co_await body->read());
    bytes.append(part.data);
    if (bytes.size() > limits::kBundleBytesMax) {
      co_return fail(ErrorCode::kResourceExhausted,
                     fmt::format("larger than {} MiB", limits::kBundleBytesMax / limits::kMiB));
    }
    if (part.end) break;
  }
  co_return bytes;
}

io::Task<Result<std::string>> fetch(http::Client& client, std::string url) {
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    auto request = request_for(url);
    if (!request) co_return fail(ErrorCode::kInvalidArgument, "not a URL of http or https", url);
    const std::string origin = request->scheme + "://" + request->authority;
    auto response = co_await client.send(std::move(*request), {});
    if (!response) co_return std::unexpected(response.error().error);
    if (response->status == 200) co_return co_await read_all(std::move(response->body));
    const auto location = response->fields.get("location");
    if (response->status / 100 != 3 || !location) {
      co_return fail(ErrorCode::kUnavailable,
                     fmt::format("the server answered {}", response->status), url);
    }
    url = location->starts_with('/') ? origin + std::string(*location) : std::string(*location);
  }
  co_return fail(ErrorCode::kUnavailable, "too many redirects", url);
}

// A loop of its own for the one exchange: nothing else runs yet when an app is loaded.
Result<std::string> fetch_blocking(const std::string& url) {
  std::promise<Result<std::string>> done;
  std::unique_ptr<http::Client> client;
  io::Shard shard(0);
  shard.run([&] {
    client = http::make_client(shard.executor());
    auto task = [&]() -> io::Task<void> { done.set_value(co_await fetch(*client, url)); };
    io::asio::co_spawn(shard.executor(), task, io::asio::detached);
  });
  auto bytes = done.get_future().get();
  shard.run([&] { client.reset(); });
  return bytes;
}

}  // namespace

Result<std::string> download(const std::string& url, const std::string& digest,
                             const std::string& directory) {
  const std::string path = directory + "/" + digest.substr(digest.find(':') + 1) + ".wasm";
  const auto matches = [&](const std::string& bytes) {
    return "sha256:" + sha256_hex({bytes}) == digest;
  };
  if (auto kept = read_file(path); kept && matches(*kept)) return kept;
  auto bytes = fetch_blocking(url);
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
