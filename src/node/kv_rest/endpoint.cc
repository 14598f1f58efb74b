#include "node/kv_rest/endpoint.h"

#include <charconv>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "edge/percent.h"
#include "io/asio.h"
#include "node/kv_rest/multipart.h"

namespace cusp::node::kv_rest {

namespace {

using nlohmann::json;
namespace kv = store::kv;
using StorePtr = std::shared_ptr<kv::Store>;
using std::chrono::seconds;

constexpr int64_t kTtlMin = 60;  // seconds, as there
constexpr int64_t kTimeMax = 4'000'000'000;
constexpr size_t kListMin = 10;
constexpr size_t kListMax = 1'000;
constexpr size_t kBulkGetMax = 100;
constexpr size_t kBodyBytesMax = 16 * limits::kMiB;
constexpr size_t kFormBytesMax = limits::kKvValueBytesMax + 64 * limits::kKiB;

http::Response answer(uint16_t status, const json& body) {
  auto response =
      http::text_response(status, body.dump(-1, ' ', false, json::error_handler_t::replace));
  response.fields.set("content-type", "application/json");
  return response;
}

http::Response success(json result, json info = nullptr) {
  json body = {{"result", std::move(result)},
               {"success", true},
               {"errors", json::array()},
               {"messages", json::array()}};
  if (!info.is_null()) body["result_info"] = std::move(info);
  return answer(200, body);
}

http::Response refuse(const Error& error) {
  const bool client = error.code == ErrorCode::kInvalidArgument;
  return Endpoint::failure(static_cast<uint16_t>(http_status(error.code)),
                           client ? Endpoint::kInvalid : Endpoint::kStore, error.message);
}

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

http::Response not_found(std::string_view key) {
  return Endpoint::failure(404, Endpoint::kKeyNotFound,
                           fmt::format("get: 'key not found': {}", key));
}

http::Response method_not_allowed(const char* allowed) {
  auto response = Endpoint::failure(405, Endpoint::kNoRoute, "this method is not for this path");
  response.fields.add("allow", allowed);
  return response;
}

// A parameter of the query; nothing: it is not there.
std::optional<std::string> query(const http::Request& request, std::string_view name) {
  std::string_view rest = request.target;
  const size_t mark = rest.find('?');
  rest.remove_prefix(mark == rest.npos ? rest.size() : mark + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    if (edge::form_decode(pair.substr(0, equals)) == name) {
      return edge::form_decode(pair.substr(std::min(equals + 1, pair.size())));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

Result<int64_t> number(std::string_view text, std::string_view name) {
  int64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && at == text.data() + text.size()) return value;
  return wrong(fmt::format("'{}' is a whole number", name));
}

// When what is written now goes; `expiration` counts before `ttl`, as there.
Result<std::optional<kv::Time>> expiry(std::optional<int64_t> expiration,
                                       std::optional<int64_t> ttl) {
  if (!expiration && !ttl) return std::optional<kv::Time>();
  const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  const int64_t today = now.time_since_epoch().count();
  const int64_t at = expiration ? *expiration : *ttl <= kTimeMax ? today + *ttl : kTimeMax + 1;
  if (at < today + kTtlMin || at > kTimeMax) {
    return wrong(fmt::format("what expires does so {} seconds from now or later", kTtlMin));
  }
  return std::optional(kv::Time(seconds(at)));
}

int64_t unix_seconds(kv::Time time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

// Metadata is any JSON there; here it is kept as text.
json metadata_json(const std::string& metadata) {
  if (metadata.empty()) return nullptr;
  json parsed = json::parse(metadata, nullptr, false);
  return parsed.is_discarded() ? json(metadata) : parsed;
}

io::Task<Result<std::string>> read_body(http::Request& request, size_t bytes_max) {
  auto text = co_await http::read_all(request.body.get(), bytes_max);
  if (!text && text.error().code == ErrorCode::kResourceExhausted) {
    co_return wrong(text.error().message);
  }
  co_return text;
}

// ---- one key ---------------------------------------------------------------------------------

io::Task<http::Response> get_value(kv::Store& store, std::string key) {
  const auto entry = co_await store.get(key);
  if (!entry) co_return refuse(entry.error());
  if (!*entry) co_return not_found(key);
  http::Response response{.status = 200};
  response.fields.add("content-type", "application/octet-stream");
  if ((*entry)->expires) {
    response.fields.add("expiration", std::to_string(unix_seconds(*(*entry)->expires)));
  }
  if (!(*entry)->value.empty()) response.body = http::make_body((*entry)->value);
  co_return response;
}

io::Task<Result<kv::Change>> read_put(http::Request& request, std::string key) {
  const auto seconds_of = [&](const char* name) -> Result<std::optional<int64_t>> {
    const auto text = query(request, name);
    if (!text) return std::optional<int64_t>();
    CUSP_TRY(const int64_t value, number(*text, name));
    return std::optional(value);
  };
  CUSP_CO_TRY(const auto expiration, seconds_of("expiration"));
  CUSP_CO_TRY(const auto ttl, seconds_of("expiration_ttl"));
  CUSP_CO_TRY(const auto expires, expiry(expiration, ttl));
  CUSP_CO_TRY(std::string body, co_await read_body(request, kFormBytesMax));
  auto change = kv::Change::set(std::move(key), {});
  change.expires = expires;
  const std::string type(request.fields.get("content-type").value_or(""));
  if (!type.starts_with("multipart/form-data")) {
    change.value = std::move(body);
    co_return change;
  }
  CUSP_CO_TRY(auto form, parse_form(type, body));
  const auto value = form.find("value");
  if (value == form.end()) co_return wrong("the form has no part 'value'");
  change.value = std::move(value->second);
  if (const auto metadata = form.find("metadata"); metadata != form.end()) {
    if (json::parse(metadata->second, nullptr, false).is_discarded()) {
      co_return wrong("the part 'metadata' is not JSON");
    }
    change.metadata = std::move(metadata->second);
  }
  co_return change;
}

io::Task<http::Response> write(kv::Store& store, kv::Write changes) {
  const auto written = co_await store.write(std::move(changes));
  co_return written ? success(nullptr) : refuse(written.error());
}

io::Task<http::Response> answer_value(http::Request& request, kv::Store& store, std::string key) {
  if (request.method == "GET") co_return co_await get_value(store, std::move(key));
  if (request.method == "DELETE") {
    kv::Write changes;
    changes.push_back(kv::Change::erase(std::move(key)));
    co_return co_await write(store, std::move(changes));
  }
  if (request.method != "PUT") co_return method_not_allowed("GET, PUT, DELETE");
  auto change = co_await read_put(request, std::move(key));
  if (!change) co_return refuse(change.error());
  kv::Write changes;
  changes.push_back(std::move(*change));
  co_return co_await write(store, std::move(changes));
}

io::Task<http::Response> answer_metadata(const http::Request& request, kv::Store& store,
                                         std::string key) {
  if (request.method != "GET") co_return method_not_allowed("GET");
  const auto entry = co_await store.get(key);
  if (!entry) co_return refuse(entry.error());
  if (!*entry) co_return not_found(key);
  co_return success(metadata_json((*entry)->metadata));
}

// ---- many keys -------------------------------------------------------------------------------

io::Task<http::Response> answer_keys(const http::Request& request, kv::Store& store) {
  if (request.method != "GET") co_return method_not_allowed("GET");
  kv::ListOptions options{.prefix = query(request, "prefix").value_or("")};
  if (const auto text = query(request, "limit")) {
    const auto limit = number(*text, "limit");
    if (!limit || *limit < static_cast<int64_t>(kListMin) ||
        *limit > static_cast<int64_t>(kListMax)) {
      co_return Endpoint::failure(400, Endpoint::kInvalid,
                                  fmt::format("'limit' is {} to {}", kListMin, kListMax));
    }
    options.limit = static_cast<size_t>(*limit);
  }
  const std::string cursor = query(request, "cursor").value_or("");
  const auto after = base64url_decode(cursor);
  if (!after || after->size() > limits::kKvKeyBytesMax) {
    co_return Endpoint::failure(400, Endpoint::kInvalid, "'cursor' is not one of a page before");
  }
  options.after = *after;
  const auto page = co_await store.list(std::move(options));
  if (!page) co_return refuse(page.error());
  json keys = json::array();
  for (const auto& listed : page->keys) {
    json key = {{"name", listed.key}};
    if (listed.expires) key["expiration"] = unix_seconds(*listed.expires);
    if (!listed.metadata.empty()) key["metadata"] = metadata_json(listed.metadata);
    keys.push_back(std::move(key));
  }
  const size_t count = keys.size();
  co_return success(std::move(keys),
                    {{"count", count}, {"cursor", base64url_encode(page->next.value_or(""))}});
}

Result<kv::Change> read_pair(const json& from) {
  const auto text = [&](const char* name) -> const std::string* {
    const auto found = from.is_object() ? from.find(name) : from.end();
    return found != from.end() ? found->get_ptr<const std::string*>() : nullptr;
  };
  const auto whole = [&](const char* name) -> std::optional<int64_t> {
    const auto found = from.find(name);
    if (found == from.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<int64_t>();
  };
  const std::string* const key = text("key");
  const std::string* const value = text("value");
  if (key == nullptr || value == nullptr) return wrong("each pair has the texts 'key' and 'value'");
  auto change = kv::Change::set(*key, *value);
  if (from.value("base64", json()) == json(true)) {
    auto bytes = base64_decode(*value);
    if (!bytes) return wrong(fmt::format("the value of '{}' is not in base 64", *key));
    change.value = std::move(*bytes);
  }
  CUSP_TRY(change.expires, expiry(whole("expiration"), whole("expiration_ttl")));
  const auto metadata = from.find("metadata");
  if (metadata != from.end() && !metadata->is_null()) change.metadata = metadata->dump();
  return change;
}

io::Task<Result<json>> read_array(http::Request& request) {
  CUSP_CO_TRY(const std::string text, co_await read_body(request, kBodyBytesMax));
  json all = json::parse(text, nullptr, false);
  if (all.is_array() && all.size() <= limits::kKvChangesMax) co_return all;
  co_return wrong(fmt::format("the body is an array of at most {}", limits::kKvChangesMax));
}

io::Task<Result<kv::Write>> read_bulk(http::Request& request, bool deletes) {
  CUSP_CO_TRY(const json all, co_await read_array(request));
  kv::Write changes;
  for (const json& one : all) {
    if (!deletes) {
      CUSP_CO_TRY(auto change, read_pair(one));
      changes.push_back(std::move(change));
    } else if (one.is_string()) {
      changes.push_back(kv::Change::erase(one.get<std::string>()));
    } else {
      co_return wrong("each key is a text");
    }
  }
  co_return changes;
}

io::Task<http::Response> answer_bulk(http::Request& request, kv::Store& store, bool deletes) {
  auto changes = co_await read_bulk(request, deletes);
  if (!changes) co_return refuse(changes.error());
  const size_t count = changes->size();
  const auto written = co_await store.write(std::move(*changes));
  if (!written) co_return refuse(written.error());
  co_return success({{"successful_key_count", count}, {"unsuccessful_keys", json::array()}});
}

io::Task<http::Response> answer_bulk_get(http::Request& request, kv::Store& store) {
  const auto text = co_await read_body(request, kBodyBytesMax);
  if (!text) co_return refuse(text.error());
  const json body = json::parse(*text, nullptr, false);
  const json keys = body.is_object() ? body.value("keys", json()) : json();
  if (!keys.is_array() || keys.size() > kBulkGetMax) {
    co_return Endpoint::failure(400, Endpoint::kInvalid,
                                fmt::format("'keys' is an array of at most {}", kBulkGetMax));
  }
  const bool as_json = body.value("type", json()) == json("json");
  const bool with_metadata = body.value("withMetadata", json()) == json(true);
  json values = json::object();
  for (const json& key : keys) {
    if (!key.is_string()) co_return Endpoint::failure(400, Endpoint::kInvalid, "a key is a text");
    const auto entry = co_await store.get(key.get<std::string>());
    if (!entry) co_return refuse(entry.error());
    json& value = values[key.get<std::string>()] = nullptr;
    if (!*entry) continue;
    json content = as_json ? json::parse((*entry)->value, nullptr, false) : json((*entry)->value);
    if (content.is_discarded()) {
      co_return Endpoint::failure(400, Endpoint::kInvalid, "a value is not JSON");
    }
    value = with_metadata ? json{{"value", std::move(content)},
                                 {"metadata", metadata_json((*entry)->metadata)}}
                          : std::move(content);
  }
  co_return success({{"values", std::move(values)}});
}

}  // namespace

http::Response Endpoint::failure(uint16_t status, int code, std::string_view message) {
  return answer(status, {{"result", nullptr},
                         {"success", false},
                         {"errors", {{{"code", code}, {"message", message}}}},
                         {"messages", json::array()}});
}

http::Response Endpoint::list(const std::vector<kv::StoreName>& names) {
  json all = json::array();
  for (const auto& name : names) {
    const std::string id = name.app + "." + name.store;
    all.push_back({{"id", id}, {"title", id}, {"supports_url_encoding", true}});
  }
  const size_t count = all.size();
  return success(std::move(all),
                 {{"count", count}, {"page", 1}, {"per_page", count}, {"total_count", count}});
}

io::Task<http::Response> Endpoint::respond(http::Request& request, kv::StoreName name, bool writes,
                                           std::string_view path) {
  const size_t slash = path.find('/');
  const std::string_view what = path.substr(0, slash);
  const std::string_view rest = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  const bool reads = request.method == "GET" || (what == "bulk" && rest == "get");
  if (!writes && !reads) {
    co_return failure(403, kAuthentication, "the token may read this namespace, not change it");
  }
  Result<StorePtr> store;
  co_await blocking_.run([&] {
    const auto database = stores_.key_values();
    store = database ? (*database)->store(name) : std::unexpected(database.error());
  });
  if (!store) co_return refuse(store.error());
  std::string key = edge::percent_decode(rest);
  if (what == "values") co_return co_await answer_value(request, **store, std::move(key));
  if (what == "metadata") co_return co_await answer_metadata(request, **store, std::move(key));
  if (path == "keys") co_return co_await answer_keys(request, **store);
  const bool deletes = path == "bulk/delete" || (path == "bulk" && request.method == "DELETE");
  if (path == "bulk/get") co_return co_await answer_bulk_get(request, **store);
  if (deletes || (path == "bulk" && request.method == "PUT")) {
    co_return co_await answer_bulk(request, **store, deletes);
  }
  co_return failure(404, kNoRoute, "there is no such endpoint of a namespace");
}

}  // namespace cusp::node::kv_rest
