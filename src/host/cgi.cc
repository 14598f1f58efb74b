#include "host/cgi.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::host {

namespace {

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const size_t mark = target.find('?');
  if (mark == target.npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string variable_name(std::string_view field) {
  std::string name = "HTTP_";
  for (const char c : field) name.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(c)));
  return name;
}

struct Head {
  uint16_t status = 200;
  http::Fields fields;
};

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<Head> parse_head(std::string_view text) {
  Head head;
  bool has_status = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == line.npos || !http::valid_field_name(name)) {
      return fail(ErrorCode::kInvalidArgument,
                  "the script's output does not start with CGI fields and an empty line");
    }
    const std::string_view value = trim(line.substr(colon + 1));
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower == "status") {
      const auto [rest, error] = std::from_chars(value.begin(), value.end(), head.status);
      if (error != std::errc() || head.status < 200 || head.status > 599) {
        return fail(ErrorCode::kInvalidArgument, "the script's status field is not a status code");
      }
      has_status = true;
    } else if (http::valid_field_value(value)) {
      head.fields.add(name, value);
    }
  }
  // Section 6.2.3: a location alone is a redirect.
  if (!has_status && head.fields.get("location")) head.status = 302;
  return head;
}

// Where the head ends: past the first empty line. Nothing while it is incomplete.
std::optional<std::pair<size_t, size_t>> find_head_end(std::string_view text) {
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    size_t next = at + 1;
    if (next < text.size() && text[next] == '\r') ++next;
    if (next < text.size() && text[next] == '\n') return std::pair(at, next + 1);
  }
  return std::nullopt;
}

// What came with the head, then the rest of the output.
class RestOfOutput final : public http::Body {
 public:
  RestOfOutput(http::BodyPart first, std::unique_ptr<http::Body> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}

  io::Task<Result<http::BodyPart>> read() override {
    if (first_) co_return *std::exchange(first_, std::nullopt);
    co_return co_await rest_->read();
  }
  bool ready() override { return first_ || rest_->ready(); }

 private:
  std::optional<http::BodyPart> first_;
  std::unique_ptr<http::Body> rest_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> cgi_environment(
    const http::Request& request, const std::vector<std::pair<std::string, std::string>>& extra) {
  const auto [path, query] = split_target(request.target);
  const std::string_view host = request.authority;
  const size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && host.find(']', colon) == host.npos;
  std::vector<std::pair<std::string, std::string>> environment = {
      {"GATEWAY_INTERFACE", "CGI/1.1"},
      {"SERVER_SOFTWARE", "Cusp"},
      {"SERVER_PROTOCOL", request.version == http::Version::kHttp2    ? "HTTP/2"
                          : request.version == http::Version::kHttp10 ? "HTTP/1.0"
                                                                      : "HTTP/1.1"},
      {"SERVER_NAME", std::string(has_port ? host.substr(0, colon) : host)},
      {"SERVER_PORT", has_port                    ? std::string(host.substr(colon + 1))
                      : request.scheme == "https" ? "443"
                                                  : "80"},
      {"REQUEST_METHOD", request.method},
      {"SCRIPT_NAME", std::string(path)},
      {"QUERY_STRING", std::string(query)},
      {"REMOTE_ADDR", std::string(request.connection->remote_address())},
      {"CONTENT_TYPE", std::string(request.fields.get("content-type").value_or(""))},
      {"CONTENT_LENGTH", std::string(request.fields.get("content-length").value_or(""))},
  };
  for (const auto& field : request.fields) {
    // A field named "proxy" would become HTTP_PROXY, which programs obey (httpoxy).
    if (field.name == "proxy") continue;
    environment.emplace_back(variable_name(field.name), field.value);
  }
  environment.insert(environment.end(), extra.begin(), extra.end());
  return environment;
}

std::vector<std::string> cgi_arguments(const std::string& argv_template,
                                       const std::string& target) {
  const auto [path, query] = split_target(target);
  std::vector<std::string> arguments;
  size_t at = 0;
  while (at < argv_template.size()) {
    const size_t end = std::min(argv_template.find(' ', at), argv_template.size());
    const std::string word = argv_template.substr(at, end - at);
    at = end + 1;
    if (word == "${SCRIPT_NAME}") {
      arguments.emplace_back(path);
    } else if (word == "${ARGS}") {
      for (size_t from = 0; from < query.size();) {
        const size_t stop = std::min(query.find('&', from), query.size());
        if (stop > from) arguments.emplace_back(query.substr(from, stop - from));
        from = stop + 1;
      }
    } else if (!word.empty()) {
      arguments.push_back(word);
    }
  }
  return arguments;
}

io::Task<Result<http::Response>> read_cgi_response(std::unique_ptr<http::Body> output) {
  std::string text;
  bool ended = output == nullptr;
  while (true) {
    if (const auto end = find_head_end(text)) {
      CUSP_CO_TRY(Head head, parse_head(std::string_view(text).substr(0, end->first)));
      http::Response response{.status = head.status, .fields = std::move(head.fields)};
      http::BodyPart first{.data = text.substr(end->second), .end = ended};
      response.body = std::make_unique<RestOfOutput>(std::move(first), std::move(output));
      co_return response;
    }
    if (ended || text.size() > limits::kHeadBytesMax) {
      co_return fail(ErrorCode::kInvalidArgument,
                     "the script's output has no CGI head: fields, then an empty line");
    }
    CUSP_CO_TRY(http::BodyPart part, co_await output->read());
    text.append(part.data);
    ended = part.end;
  }
}

}  // namespace cusp::host
