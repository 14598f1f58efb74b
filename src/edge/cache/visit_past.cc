// The ways past the stored responses: methods that caches do not answer, HEAD, and requests whose
// answers are not for sharing.
#include <algorithm>

#include "edge/cache/tee_body.h"
#include "edge/cache/validation.h"
#include "edge/cache/visit.h"
#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

// The URL that a Location or Content-Location means (RFC 3986 section 5.2), as far as responses use
// them: absolute, from the root, or beside the request's own path.
std::optional<Address> resolve(const Address& base, std::string_view reference,
                               const Policy& policy) {
  if (reference.empty() || reference.starts_with("//")) return std::nullopt;
  if (reference.find("://") != reference.npos) return address_of(reference, policy);
  std::string url = base.origin;
  if (!reference.starts_with('/')) url += base.path.substr(0, base.path.rfind('/') + 1);
  return address_of(url.append(reference), policy);
}

}  // namespace

io::Task<http::Response> Visit::pass(Status::Forward why) {
  status_.forward = why;
  ++core_.counters.bypasses;
  const bool safe = is_safe(method_);
  const bool storable = method_ == "POST" && policy_.store_post && !asked_.no_store;
  http::Fields asked;
  if (storable) {
    asked = request_.fields;
    key_ = make_key(request_, address_, policy_);
  }
  const Time requested = core_.now();
  http::Response response = co_await origin_->fetch(request_);
  if (!safe && response.status >= 200 && response.status < 400) invalidate(response);
  if (storable && stands_for_get(response)) collect(response, asked, requested, core_.purges.now());
  co_return response;
}

// A POST's response stands for the URL's when it says so, and for how long (RFC 9110 section
// 9.3.3).
bool Visit::stands_for_get(const http::Response& response) const {
  const auto location = response.fields.get("content-location");
  const auto directives = effective_directives(response.fields, policy_).directives;
  const bool lasts = directives.s_maxage || directives.max_age || response.fields.get("expires");
  if (response.status != 200 || !location || !lasts) return false;
  const auto resolved = resolve(address_, *location, policy_);
  return resolved && resolved->url() == address_.url();
}

// What is stored for a URL that an unsafe request has changed is no longer true (RFC 9111 section
// 4.4).
void Visit::invalidate(const http::Response& response) {
  std::vector<std::string> urls = {address_.url()};
  for (const std::string_view name : {"location", "content-location"}) {
    const auto reference = response.fields.get(name);
    const auto resolved = reference ? resolve(address_, *reference, policy_) : std::nullopt;
    if (resolved && resolved->origin == address_.origin) urls.push_back(resolved->url());
  }
  for (std::string& url : urls) {
    const Purge purge{
        .what = Purge::What::kUrl, .value = std::move(url), .name_space = policy_.name_space};
    core_.purges.add(purge);
    core_.store.purge(purge, core_.now());
    if (core_.disk) core_.disk->purge(purge);
  }
}

// For itself: the response is collected on its way where it may be stored after all.
io::Task<http::Response> Visit::alone() {
  const uint64_t moment = core_.purges.now();
  const http::Fields asked = request_.fields;
  const Time requested = core_.now();
  if (!request_.fields.get("range")) request_.target = address_.target();
  http::Response response = co_await origin_->fetch(request_);
  if (response.status != 206 && response.status != 304) collect(response, asked, requested, moment);
  co_return response;
}

void Visit::collect(http::Response& response, const http::Fields& asked, Time requested,
                    uint64_t moment) {
  const Verdict verdict = judge(asked, response, policy_, requested, core_.now());
  status_.detail = verdict.reason;
  if (!verdict.store) return;
  auto object = make_object(key_, address_, policy_, asked, response, verdict);
  if (!object) return;
  status_.stored = true;
  auto done = [core = core_.shared_from_this(), object, moment](
                  Content content, std::optional<http::Fields> trailers) {
    object->content = std::move(content);
    object->trailers = std::move(trailers);
    ++core->counters.stored;
    core->put(object, moment);
  };
  if (!response.body) return done({}, std::nullopt);
  // A larger one is stored when a fill asks for it, which writes it to disk as it comes.
  const uint64_t bytes_max =
      std::min<uint64_t>(core_.object_bytes_max(policy_), core_.store.object_bytes_max());
  response.body = make_tee_body(std::move(response.body), bytes_max, std::move(done));
}

// A HEAD goes to the origin as it is; what it tells is news of what is stored (RFC 9111 section
// 4.3.5).
io::Task<http::Response> Visit::head(ObjectPtr object) {
  const http::Fields asked = request_.fields;
  const uint64_t moment = core_.purges.now();
  const Time requested = core_.now();
  request_.target = address_.target();
  http::Response response = co_await origin_->fetch(request_);
  if (!object || object->part || response.status != 200) co_return response;
  const Time received = core_.now();
  const auto same = [&](std::string_view name) {
    const auto value = response.fields.get(name);
    return !value || value == object->fields.get(name);
  };
  const auto length = response.fields.get("content-length");
  const bool fits = same("etag") && same("last-modified") &&
                    (!length || *length == std::to_string(object->content.size));
  if (core_.purges.hit_since(moment, *object)) co_return response;
  core_.store.replace(
      object, fits ? ObjectPtr(freshened(*object, asked, response, policy_, requested, received))
                   : softly_purged(*object, received));
  co_return response;
}

}  // namespace cusp::edge::cache
