#include "node/queue_endpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/units.h"
#include "edge/percent.h"
#include "io/asio.h"

namespace cusp::node {

namespace {

using nlohmann::json;
using store::queue::Outgoing;

// Text of JSON, escapes included, for as much as a batch may hold.
constexpr size_t kBatchBytesMax = 32 * limits::kMiB;

http::Response answer(uint16_t status, const json& document) {
  auto response = http::text_response(
      status, document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  response.fields.set("content-type", "application/json");
  return response;
}

uint16_t status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kResourceExhausted: return 413;
    default: return 503;
  }
}

Result<std::string> text_at(const json& item, const char* key) {
  const auto found = item.find(key);
  if (found == item.end()) return std::string();
  if (!found->is_string()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is a string", key));
  }
  return found->get<std::string>();
}

Result<Outgoing> read_item(const json& item) {
  if (!item.is_object() || item.contains("body") == item.contains("body_base64")) {
    return fail(ErrorCode::kInvalidArgument, "it needs either 'body' or 'body_base64'");
  }
  Outgoing message;
  CUSP_TRY(message.content_type, text_at(item, "content_type"));
  CUSP_TRY(const std::string delay, text_at(item, "delay"));
  if (!delay.empty()) {
    CUSP_TRY(message.delay, parse_duration(delay));
  }
  if (item.contains("body")) {
    CUSP_TRY(message.body, text_at(item, "body"));
    return message;
  }
  CUSP_TRY(const std::string encoded, text_at(item, "body_base64"));
  auto bytes = base64_decode(encoded);
  if (!bytes) return fail(ErrorCode::kInvalidArgument, "'body_base64' is not base64");
  message.body = std::move(*bytes);
  return message;
}

Result<std::vector<Outgoing>> read_batch(const std::string& text) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("messages") || !document["messages"].is_array()) {
    return fail(ErrorCode::kInvalidArgument, "a batch is a JSON object with the array 'messages'");
  }
  std::vector<Outgoing> messages;
  for (const json& item : document["messages"]) {
    auto message = read_item(item);
    if (!message) {
      return fail(message.error().code,
                  fmt::format("messages[{}]: {}", messages.size(), message.error().message));
    }
    messages.push_back(std::move(*message));
    if (messages.size() > limits::kQueueBatchMax) break;  // which the queue refuses
  }
  return messages;
}

// The value of `delay` in a query; the only parameter that there is.
Result<std::chrono::milliseconds> read_delay(std::string_view query) {
  if (query.empty()) return std::chrono::milliseconds(0);
  constexpr std::string_view kDelay = "delay=";
  if (!query.starts_with(kDelay) || query.find('&') != query.npos) {
    return fail(ErrorCode::kInvalidArgument, "the query is 'delay=' and a duration, as in 30s");
  }
  return parse_duration(edge::percent_decode(query.substr(kDelay.size())));
}

io::Task<Result<std::vector<Outgoing>>> read_messages(http::Request& request, std::string_view path,
                                                      std::string_view query) {
  if (path == "/batch") {
    CUSP_CO_TRY(const std::string text,
                co_await http::read_all(request.body.get(), kBatchBytesMax));
    co_return read_batch(text);
  }
  Outgoing message;
  CUSP_CO_TRY(message.delay, read_delay(query));
  message.content_type = request.fields.get("content-type").value_or("");
  CUSP_CO_TRY(message.body,
              co_await http::read_all(request.body.get(), limits::kQueueMessageBytesMax));
  std::vector<Outgoing> messages;
  messages.push_back(std::move(message));
  co_return messages;
}

}  // namespace

http::Response queue_failure(uint16_t status, std::string_view message) {
  return answer(status, {{"error", message}});
}

io::Task<http::Response> send_to_queue(http::Request& request, store::queue::Queue& queue,
                                       std::string_view target) {
  const size_t question = target.find('?');
  const std::string path(target.substr(0, question));
  const std::string query(question == target.npos ? "" : target.substr(question + 1));
  if (path != "/" && !path.empty() && path != "/batch") {
    co_return queue_failure(404, "a queue takes POST / and POST /batch");
  }
  if (request.method != "POST") {
    auto refused = queue_failure(405, "a queue takes POST requests");
    refused.fields.add("allow", "POST");
    co_return refused;
  }
  auto messages = co_await read_messages(request, path, query);
  if (!messages) {
    co_return queue_failure(status_of(messages.error().code), messages.error().message);
  }
  const auto ids = co_await queue.send(std::move(*messages));
  if (!ids) co_return queue_failure(status_of(ids.error().code), ids.error().message);
  co_return answer(202, {{"ids", *ids}});
}

}  // namespace cusp::node
