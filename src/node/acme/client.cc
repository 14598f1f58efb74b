#include "node/acme/client.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cusp::node::acme {

namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kAnswerBytesMax = 256 * 1024;
constexpr seconds kAnswerTimeout{30};
// An authority checks a proof and signs within seconds; what takes longer is tried again later.
constexpr int kPollsMax = 60;
constexpr seconds kPollPause{1};
constexpr seconds kPollPauseMax{10};
// A nonce may be refused (RFC 8555 section 6.5); one after the other, something else is wrong.
constexpr int kNoncesMax = 10;
constexpr size_t kSaidMax = 500;

constexpr std::string_view kBadNonce = "urn:ietf:params:acme:error:badNonce";

// Nothing that an authority sends is believed to have any form.
json parse(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  return value.is_object() ? value : json::object();
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An authority's own words, for a line of a log.
std::string said(const json& problem) {
  std::string text = text_at(problem, "type");
  if (const auto detail = text_at(problem, "detail"); !detail.empty()) text += ": " + detail;
  if (text.empty()) text = "nothing";
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text.substr(0, kSaidMax);
}

std::unexpected<Error> nonsense(const std::string& what, const std::string& url) {
  return fail(ErrorCode::kUnavailable, "the ACME server's answer has no " + what, url);
}

// Whatever goes on while it lives, the proof is hidden at the end.
class Shown {
 public:
  Shown(Prover& prover, const Proof& proof) : prover_(prover), proof_(proof) {}
  ~Shown() { prover_.hide(proof_); }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

 private:
  Prover& prover_;
  const Proof& proof_;
};

}  // namespace

Client::Client(const Options& options, AccountKey key, Prover& prover, std::stop_token stop)
    : options_(options), key_(std::move(key)), prover_(prover), stop_(std::move(stop)) {}

bool Client::pause(seconds time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop_, time, [] { return false; });
  return !stop_.stop_requested();
}

Result<Client::Reply> Client::send(http::Request request) {
  const std::string url =
      fmt::format("{}://{}{}", request.scheme, request.authority, request.target);
  if (request.scheme != "https") {
    return fail(ErrorCode::kUnavailable, "the ACME server names a URL that is not https", url);
  }
  request.fields.set("user-agent", "cusp");
  const AskOptions how = {
      .client = {.first_byte_timeout = kAnswerTimeout, .tls_ca_file = options_.ca_file},
      .stop = stop_};
  auto answer = ask(std::move(request), kAnswerBytesMax, how);
  if (!answer) {
    answer.error().context = url;
    return std::unexpected(answer.error());
  }
  const auto field = [&](std::string_view name) {
    return std::string(answer->fields.get(name).value_or(""));
  };
  nonce_ = field("replay-nonce");
  int pause_seconds = 0;
  const std::string retry = field("retry-after");
  std::from_chars(retry.data(), retry.data() + retry.size(), pause_seconds);
  return Reply{.status = answer->status,
               .body = std::move(answer->body),
               .location = field("location"),
               .retry_after = std::clamp(seconds(pause_seconds), kPollPause, kPollPauseMax)};
}

Result<> Client::fetch_nonce() {
  CUSP_TRY(http::Request request, request_for("HEAD", new_nonce_));
  CUSP_CHECK(send(std::move(request)));
  if (nonce_.empty()) return nonsense("Replay-Nonce field", new_nonce_);
  return {};
}

Result<Client::Reply> Client::post_once(const std::string& url, std::string_view payload) {
  if (nonce_.empty()) CUSP_CHECK(fetch_nonce());
  json header = {{"alg", "ES256"}, {"nonce", std::exchange(nonce_, "")}, {"url", url}};
  if (account_.empty()) {
    header["jwk"] = json::parse(key_.jwk());
  } else {
    header["kid"] = account_;
  }
  const std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  CUSP_TRY(std::string body, key_.sign(text, payload));
  CUSP_TRY(http::Request request, request_for("POST", url));
  request.fields.set("content-type", "application/jose+json");
  request.fields.set("content-length", std::to_string(body.size()));
  request.body = http::make_body(std::move(body));
  return send(std::move(request));
}

// RFC 8555 section 6.2; an empty payload only reads (section 6.3).
Result<Client::Reply> Client::post(const std::string& url, std::string_view payload) {
  for (int nonces = 0; nonces < kNoncesMax; ++nonces) {
    CUSP_TRY(Reply reply, post_once(url, payload));
    if (reply.status >= 200 && reply.status < 300) return reply;
    const json problem = parse(reply.body);
    if (text_at(problem, "type") == kBadNonce) continue;
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("the ACME server answered {} and says: {}", reply.status, said(problem)), url);
  }
  return fail(ErrorCode::kUnavailable, "the ACME server refuses its own nonces", url);
}

// The directory, then the account: made, or found by its key.
Result<> Client::open() {
  CUSP_TRY(http::Request request, request_for("GET", options_.directory));
  CUSP_TRY(const Reply reply, send(std::move(request)));
  if (reply.status != 200) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the ACME server answered {} and says: {}", reply.status,
                            said(parse(reply.body))),
                options_.directory);
  }
  const json directory = parse(reply.body);
  new_nonce_ = text_at(directory, "newNonce");
  new_account_ = text_at(directory, "newAccount");
  new_order_ = text_at(directory, "newOrder");
  if (new_nonce_.empty() || new_account_.empty() || new_order_.empty()) {
    return nonsense("newNonce, newAccount and newOrder", options_.directory);
  }
  json account = {{"termsOfServiceAgreed", true}};
  if (!options_.email.empty()) account["contact"] = {"mailto:" + options_.email};
  CUSP_TRY(const Reply made, post(new_account_, account.dump()));
  if (made.location.empty()) return nonsense("Location of the account", new_account_);
  account_ = made.location;
  return {};
}

Result<std::string> Client::obtain(const std::string& domain, std::string_view csr,
                                   const std::string& challenge) {
  if (account_.empty()) CUSP_CHECK(open());
  const json wanted = {{"identifiers", {{{"type", "dns"}, {"value", domain}}}}};
  CUSP_TRY(const Reply made, post(new_order_, wanted.dump()));
  const std::string order_url = made.location;
  json order = parse(made.body);
  const json authorizations = order.value("authorizations", json());
  if (order_url.empty() || !authorizations.is_array() || authorizations.empty()) {
    return nonsense("order with authorizations", new_order_);
  }
  for (const json& authorization : authorizations) {
    if (!authorization.is_string()) return nonsense("URL of an authorization", order_url);
    CUSP_CHECK(prove(authorization.get<std::string>(), domain, challenge));
  }
  CUSP_TRY(order, await_order(order_url, "ready"));
  if (text_at(order, "status") == "ready") {
    const json request = {{"csr", base64url(csr)}};
    CUSP_CHECK(post(text_at(order, "finalize"), request.dump()));
    CUSP_TRY(order, await_order(order_url, "valid"));
  }
  CUSP_TRY(Reply chain, post(text_at(order, "certificate"), ""));
  return std::move(chain.body);
}

Result<> Client::prove(const std::string& authorization, const std::string& domain,
                       const std::string& challenge) {
  CUSP_TRY(const Reply reply, post(authorization, ""));
  const json answer = parse(reply.body);
  if (text_at(answer, "status") == "valid") return {};  // of an earlier order
  const json offered = answer.value("challenges", json());
  for (const json& one : offered.is_array() ? offered : json::array()) {
    if (!one.is_object() || text_at(one, "type") != challenge) continue;
    const Proof proof = {.type = challenge,
                         .domain = domain,
                         .token = text_at(one, "token"),
                         .key_authorization = key_.key_authorization(text_at(one, "token"))};
    if (proof.token.empty()) return nonsense("token of its challenge", authorization);
    CUSP_CHECK(prover_.show(proof));
    const Shown shown(prover_, proof);
    CUSP_CHECK(post(text_at(one, "url"), "{}"));
    return await_proof(authorization);
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("the ACME server offers no challenge {} for {}", challenge, domain),
              authorization);
}

Result<> Client::await_proof(const std::string& authorization) {
  for (int polls = 0; polls < kPollsMax; ++polls) {
    CUSP_TRY(const Reply reply, post(authorization, ""));
    const json answer = parse(reply.body);
    const std::string status = text_at(answer, "status");
    if (status == "valid") return {};
    if (status != "pending" && status != "processing") {
      const json offered = answer.value("challenges", json());
      std::string reason = "nothing";
      for (const json& one : offered.is_array() ? offered : json::array()) {
        if (one.is_object() && one.contains("error")) reason = said(one["error"]);
      }
      return fail(ErrorCode::kPermissionDenied,
                  fmt::format("the ACME server does not accept the proof ({}) and says: {}",
                              status.empty() ? "no status" : status, reason),
                  authorization);
    }
    if (!pause(reply.retry_after)) return fail(ErrorCode::kCancelled, "the node stops");
  }
  return fail(ErrorCode::kDeadlineExceeded, "the ACME server does not look at the proof",
              authorization);
}

// Until its status is `status`, or "valid", which is later.
Result<json> Client::await_order(const std::string& url, std::string_view status) {
  for (int polls = 0; polls < kPollsMax; ++polls) {
    CUSP_TRY(const Reply reply, post(url, ""));
    json order = parse(reply.body);
    const std::string now = text_at(order, "status");
    if (now == status || now == "valid") return order;
    if (now != "pending" && now != "processing" && now != "ready") {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("the ACME server gives the order up ({}) and says: {}",
                      now.empty() ? "no status" : now, said(order.value("error", json::object()))),
          url);
    }
    if (!pause(reply.retry_after)) return fail(ErrorCode::kCancelled, "the node stops");
  }
  return fail(ErrorCode::kDeadlineExceeded, "the ACME server does not finish the order", url);
}

}  // namespace cusp::node::acme
