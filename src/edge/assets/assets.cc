#include "edge/assets/assets.h"

#include "edge/assets/answer.h"
#include "edge/assets/media_type.h"
#include "edge/assets/path.h"
#include "edge/cache/text.h"
#include "edge/negotiation.h"
#include "edge/percent.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

// Answers are never from two states of a file: one that changes in between is looked at again.
constexpr int kAttemptsMax = 3;

// A new version counts at once: the client asks each time, and mostly hears 304.
constexpr std::string_view kRevalidated = "public, max-age=0, must-revalidate";

class AssetsOrigin final : public Origin {
 public:
  AssetsOrigin(std::shared_ptr<const Assets> assets, std::string mount)
      : assets_(std::move(assets)), mount_(std::move(mount)) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    // The path of now: it may have been rewritten since the route was found.
    std::string_view path = request.target;
    path = path.substr(0, path.find('?'));
    std::string_view below = path.substr(std::min(path.size(), mount_.size()));
    const bool mounted = path.starts_with(mount_) && (below.empty() || below.starts_with('/'));
    co_return co_await assets_->respond(request, std::string(mounted ? below : path));
  }

 private:
  const std::shared_ptr<const Assets> assets_;  // shared: with its route
  const std::string mount_;
};

http::Response plain(uint16_t status, std::string text) {
  http::Response response = http::text_response(status, std::move(text));
  response.fields.set("x-content-type-options", "nosniff");
  return response;
}

// The same path with a slash, where relative links of an index lead below the folder. What a client
// wrote is encoded again, and begins with one slash alone: it cannot name another host.
http::Response redirect_to_folder(const http::Request& request) {
  std::string_view path = request.target;
  const size_t question = std::min(path.find('?'), path.size());
  const std::string_view query = path.substr(question);
  path = path.substr(0, question);
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  http::Response response{.status = 308};
  response.fields.add("location", "/" + percent_encode_path(path) + "/" + std::string(query));
  return response;
}

// Whether a person looks at it: a browser that asks for a page, or a path without a file's ending.
bool wants_page(const http::Request& request, std::string_view path) {
  const auto accept = request.fields.get_all("accept");
  if (accept && accept->find("text/html") != accept->npos) return true;
  return path.substr(path.rfind('/') + 1).find('.') == path.npos;
}

std::string_view trim_slashes(std::string_view path) {
  return path.substr(0, path.find_last_not_of('/') + 1);
}

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

}  // namespace

Assets::Assets(AssetOptions options, io::BlockingPool& blocking)
    : options_(std::move(options)), store_(options_.root, options_.precompressed, blocking) {}

std::shared_ptr<Origin> Assets::origin(const Exchange& exchange, std::string_view below) const {
  // Slashes at the end make no difference to routes.
  std::string_view mount = trim_slashes(exchange.path());
  below = trim_slashes(below);
  if (mount.ends_with(below)) mount.remove_suffix(below.size());
  return std::make_shared<AssetsOrigin>(shared_from_this(), std::string(mount));
}

io::Task<http::Response> Assets::respond(const http::Request& request, std::string below) const {
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = plain(405, "Method Not Allowed\n");
    response.fields.add("allow", "GET, HEAD");
    co_return response;
  }
  const auto path = parse_asset_path(below, options_.dotfiles);
  if (!path) co_return co_await nothing_there(request, below);
  Found found = co_await store_.find(path->relative);
  std::string name = path->relative;
  if (found.is_folder) {
    name = join(name, options_.index);
    found = co_await store_.find(name);
    if (found.resource && !path->is_folder) co_return redirect_to_folder(request);
  } else if (path->is_folder) {
    found = {};  // a file is no folder
  }
  if (found.is_busy) co_return plain(503, "Service Unavailable\n");
  if (!found.resource) co_return co_await nothing_there(request, std::move(name));
  co_return co_await send(request, std::move(name), std::move(found.resource), 200);
}

io::Task<http::Response> Assets::nothing_there(const http::Request& request,
                                               std::string path) const {
  const bool page = !options_.fallback.empty() && wants_page(request, path);
  const std::string& instead = page ? options_.fallback : options_.not_found;
  if (instead.empty()) co_return plain(404, "Not Found\n");
  Found found = co_await store_.find(instead);
  if (!found.resource) co_return plain(404, "Not Found\n");
  co_return co_await send(request, instead, std::move(found.resource), page ? 200 : 404);
}

io::Task<http::Response> Assets::send(const http::Request& request, std::string path,
                                      ResourcePtr resource, uint16_t status) const {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    std::vector<Encoding> offered;
    for (const auto& variant : resource->variants) offered.push_back(variant.encoding);
    const std::span compressed = std::span<const Encoding>(offered).subspan(1);
    const Encoding chosen = negotiate(request.fields.get_all("accept-encoding"), compressed);
    const auto& variant =
        *std::ranges::find(resource->variants, chosen, &Resource::Variant::encoding);
    AssetAnswer answer = answer_asset(request, *variant.asset, status,
                                      fields_of(variant, path, !compressed.empty()));
    if (answer.segments.empty()) co_return std::move(answer.response);
    Result<SharedFile::Ptr> file;
    if (!variant.asset->content && request.method != "HEAD") file = co_await store_.open(variant);
    if (file) {
      answer.response.body = make_asset_body(variant.asset, std::move(*file),
                                             std::move(answer.segments), store_.blocking());
      co_return std::move(answer.response);
    }
    store_.forget(path);
    Found found = co_await store_.find(path);
    if (!found.resource) break;
    resource = std::move(found.resource);
  }
  http::Response response = plain(503, "Service Unavailable\n");
  response.fields.add("retry-after", "1");
  co_return response;
}

http::Fields Assets::fields_of(const Resource::Variant& variant, const std::string& path,
                               bool has_variants) const {
  http::Fields fields;
  std::string_view type = media_type_of(path);
  for (const auto& [ending, own] : options_.types) {
    if (path.ends_with(ending)) type = own;
  }
  std::string_view cache_control = kRevalidated;
  for (const auto& [pattern, value] : options_.cache_control) {
    if (!cache::matches_wildcard(pattern, path)) continue;
    cache_control = value;
    break;
  }
  fields.add("content-type", type);
  fields.add("cache-control", cache_control);
  fields.add("etag", variant.asset->etag);
  fields.add("last-modified", variant.asset->last_modified);
  fields.add("accept-ranges", "bytes");
  fields.add("x-content-type-options", "nosniff");
  if (has_variants) add_vary(fields, "accept-encoding");
  if (variant.encoding != Encoding::kIdentity) {
    fields.add("content-encoding", to_string(variant.encoding));
  }
  return fields;
}

}  // namespace cusp::edge
