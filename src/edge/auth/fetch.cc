#include "edge/auth/fetch.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/address.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    return std::string(authority.substr(1, std::min(authority.find(']'), authority.size()) - 1));
  }
  return std::string(authority.substr(0, authority.find(':')));
}

http::ClientOptions options_for(const FetchRequest& request) {
  http::ClientOptions options{.connect_timeout = kFetchTimeout,
                              .first_byte_timeout = kFetchTimeout,
                              .between_bytes_timeout = kFetchTimeout};
  // Whoever writes manifests is not whoever runs the node; an address that is written down is
  // meant.
  const std::string& host = request.url.host;
  if (!request.private_addresses && !parse_address(host) && host != "localhost") {
    options.allow_address = [](std::string_view address, uint16_t) {
      return !is_private_address(address);
    };
  }
  return options;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '#' || c == '\\') return std::nullopt;
  }
  const size_t colon = text.find("://");
  const std::string_view scheme = text.substr(0, std::min(colon, text.size()));
  if (scheme != "https" && scheme != "http") return std::nullopt;
  const std::string_view rest = text.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || authority.find('@') != authority.npos) return std::nullopt;
  std::string target(rest.substr(end));
  if (!target.starts_with('/')) target.insert(0, "/");
  return Url{.scheme = std::string(scheme),
             .authority = std::string(authority),
             .host = host_of(authority),
             .target = std::move(target)};
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && parse_address(host));
}

std::optional<Url> read_trusted_url(const Value& value, const std::string& text) {
  auto url = parse_url(text);
  if (!url) {
    value.error(fmt::format("'{}' is not a URL such as \"https://id.example.com/keys\"", text));
  } else if (url->scheme != "https" && !is_this_machine(url->host)) {
    value.error(
        fmt::format("'{}' must begin with https://: whoever can change what it answers can "
                    "be anybody",
                    text));
  }
  return url;
}

io::Task<Result<Fetched>> fetch(ShardContext& shard, FetchRequest request) {
  http::ClientOptions options = options_for(request);
  http::Request message{.method = request.method,
                        .scheme = request.url.scheme,
                        .authority = request.url.authority,
                        .target = request.url.target};
  for (const auto& [name, value] : request.fields) message.fields.add(name, value);
  if (!request.body.empty()) message.body = http::make_body(std::move(request.body));
  auto response = co_await shard.client.send(std::move(message), std::move(options));
  if (!response) co_return std::unexpected(std::move(response.error().error));
  Fetched fetched{.status = response->status};
  while (response->body) {
    auto part = co_await response->body->read();
    if (!part) co_return std::unexpected(std::move(part.error()));
    fetched.body += part->data;
    if (fetched.body.size() > kFetchBytesMax) {
      co_return fail(ErrorCode::kResourceExhausted, "the answer is too long", request.url.host);
    }
    if (part->end) break;
  }
  co_return fetched;
}

}  // namespace cusp::edge
