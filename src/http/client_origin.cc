#include "http/client_origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/h1_parser.h"

namespace cusp::http {

namespace {

using std::string_view;

template <class Number>
std::optional<Number> parse_number(string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return number;
}

ErrorCode code_of(ClientFailure failure) {
  switch (failure) {
    case ClientFailure::kNone: return ErrorCode::kInternal;
    case ClientFailure::kDnsTimeout:
    case ClientFailure::kConnectionTimeout:
    case ClientFailure::kReadTimeout: return ErrorCode::kDeadlineExceeded;
    case ClientFailure::kDestinationProhibited: return ErrorCode::kPermissionDenied;
    case ClientFailure::kResponseTooLarge: return ErrorCode::kResourceExhausted;
    case ClientFailure::kRequestInvalid: return ErrorCode::kInvalidArgument;
    case ClientFailure::kDnsError:
    case ClientFailure::kConnectionRefused:
    case ClientFailure::kConnectionTerminated:
    case ClientFailure::kTlsCertificateError:
    case ClientFailure::kTlsProtocolError:
    case ClientFailure::kResponseIncomplete:
    case ClientFailure::kProtocolError: return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInternal;
}

void lower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

bool valid_host(string_view host, bool bracketed) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [&](unsigned char c) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    return plain || (bracketed ? c == ':' || c == '%' : c == '_');
  });
}

// Without user information, which would only mislead whoever reads it.
std::optional<Origin> parse_origin(string_view scheme, string_view authority) {
  if (scheme != "http" && scheme != "https") return std::nullopt;
  Origin origin{.tls = scheme == "https"};
  origin.port = origin.tls ? 443 : 80;
  const bool bracketed = authority.starts_with('[');
  const size_t host_end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && host_end == authority.npos) return std::nullopt;
  origin.host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  lower(origin.host);
  if (!valid_host(origin.host, bracketed)) return std::nullopt;
  string_view rest = host_end == authority.npos ? string_view() : authority.substr(host_end);
  if (bracketed) rest.remove_prefix(1);
  if (rest.empty()) return origin;
  const auto port = rest[0] == ':' ? parse_number<uint16_t>(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return std::nullopt;
  origin.port = *port;
  return origin;
}

bool valid_target(string_view target, string_view method) {
  if (target == "*") return method == "OPTIONS";
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

// Methods whose meaning includes a body say so even when it is empty (RFC 9110 section 8.6).
bool expects_body(string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// What is wrong about the framing; nothing when all is well.
const char* plan_body(const Request& request, RequestPlan& plan) {
  const auto size = request.body ? request.body->size() : std::optional<uint64_t>(0);
  if (const auto declared = request.fields.get("content-length")) {
    plan.length = parse_number<uint64_t>(*declared);
    if (!plan.length || request.fields.count("content-length") > 1) {
      return "content-length is not one number";
    }
    if (size && *size != *plan.length) return "content-length is not the length of the body";
  } else if (request.body) {
    plan.length = size;
    plan.chunked = !size;
  } else if (expects_body(request.method)) {
    plan.length = 0;
  }
  return nullptr;
}

// What the options put in the place of the authority's host and port.
void lead_elsewhere(Origin& origin, const ClientOptions& options) {
  if (origin.tls) {
    origin.server_name = options.tls_server_name.empty() ? origin.host : options.tls_server_name;
    origin.ca_file = options.tls_ca_file;
    origin.verify = options.tls_verify;
  }
  if (!options.connect_host.empty()) {
    origin.host = options.connect_host;
    lower(origin.host);
  }
  if (options.connect_port != 0) origin.port = options.connect_port;
}

UseH2 plan_version(const Request& request, const ClientOptions& options) {
  if (!request.upgrade.empty()) return UseH2::kNo;
  switch (options.version) {
    case ClientVersion::kAuto: return request.scheme == "https" ? UseH2::kIfAgreed : UseH2::kNo;
    case ClientVersion::kHttp1: return UseH2::kNo;
    case ClientVersion::kHttp2: return UseH2::kOnly;
  }
  return UseH2::kNo;
}

}  // namespace

std::string Origin::to_string() const {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

ClientError client_error(ClientFailure failure, const Origin& origin, string_view message) {
  return {failure, {code_of(failure), fmt::format("{}: {}", origin.to_string(), message), {}}};
}

bool valid_fields(const Fields& fields) {
  return std::ranges::all_of(fields.begin(), fields.end(), [](const Fields::Field& field) {
    return valid_field_name(field.name) && valid_field_value(field.value);
  });
}

std::expected<RequestPlan, ClientError> plan_request(const Request& request,
                                                     const ClientOptions& options) {
  const auto refuse = [](std::string message) {
    return std::unexpected(ClientError{ClientFailure::kRequestInvalid,
                                       {ErrorCode::kInvalidArgument, std::move(message), {}}});
  };
  RequestPlan plan;
  auto origin = parse_origin(request.scheme, request.authority);
  if (!origin) {
    return refuse(fmt::format("'{}://{}' is not http:// or https:// with host or host:port",
                              request.scheme, request.authority));
  }
  plan.origin = std::move(*origin);
  lead_elsewhere(plan.origin, options);
  plan.h2 = plan_version(request, options);
  const auto refuse_for = [&](string_view message) {
    return std::unexpected(client_error(ClientFailure::kRequestInvalid, plan.origin, message));
  };
  if (!valid_field_name(request.method) || request.method == "CONNECT") {
    return refuse_for("the method is not one that can be sent");
  }
  if (!valid_target(request.target, request.method)) {
    return refuse_for("the target is not a path that starts with '/', without spaces");
  }
  if (!valid_fields(request.fields)) return refuse_for("a field has forbidden characters");
  if (!request.upgrade.empty() && (request.body || !valid_protocol(request.upgrade)))
    return refuse_for("an upgrade names no protocol or comes with a body");
  if (const char* wrong = plan_body(request, plan)) return refuse_for(wrong);
  return plan;
}

}  // namespace cusp::http
