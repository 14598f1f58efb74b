#include "edge/upstream/forward.h"

#include <array>
#include <string>

namespace cusp::edge {

namespace {

constexpr std::array kHopByHop = std::to_array<std::string_view>(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
     "te", "trailer", "transfer-encoding", "upgrade"});

constexpr std::string_view kLoopName = "cusp";

// Appends to a list that proxies before us may have begun.
void append(http::Fields& fields, std::string_view name, std::string_view value) {
  std::string list = fields.get_all(name).value_or("");
  if (!list.empty()) list += ", ";
  fields.set(name, list.append(value));
}

}  // namespace

void remove_hop_by_hop(http::Fields& fields) {
  for (const std::string_view name : kHopByHop) fields.remove(name);
}

size_t hops_of(const http::Fields& fields) {
  size_t hops = 0;
  const std::string list = fields.get_all("cdn-loop").value_or("");
  for (size_t at = list.find(kLoopName); at != list.npos; at = list.find(kLoopName, at + 1)) ++hops;
  return hops;
}

http::Request forward(http::Request& request, const Client& client) {
  http::Request forwarded{.method = request.method,
                          .target = request.target,
                          .version = request.version,
                          .fields = request.fields,
                          .body = std::move(request.body),
                          .expects_continue = request.expects_continue,
                          .upgrade = request.upgrade};
  remove_hop_by_hop(forwarded.fields);
  forwarded.fields.remove("host");
  if (!client.address.empty()) append(forwarded.fields, "x-forwarded-for", client.address);
  forwarded.fields.set("x-forwarded-proto", request.scheme);
  forwarded.fields.set("x-forwarded-host", request.authority);
  append(forwarded.fields, "cdn-loop", kLoopName);
  append(forwarded.fields, "via",
         request.version == http::Version::kHttp2 ? "2.0 cusp" : "1.1 cusp");
  return forwarded;
}

http::Response failure_response(http::ClientFailure failure) {
  switch (failure) {
    case http::ClientFailure::kDnsTimeout:
    case http::ClientFailure::kConnectionTimeout:
    case http::ClientFailure::kReadTimeout: return http::text_response(504, "Gateway Timeout\n");
    default: return http::text_response(502, "Bad Gateway\n");
  }
}

}  // namespace cusp::edge
