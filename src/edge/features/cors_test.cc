#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

using FieldList = std::vector<std::pair<std::string, std::string>>;

http::Response preflight(TestEdge& edge, std::string origin, std::string method,
                         std::string headers = "", FieldList more = {}) {
  http::Request request{
      .method = "OPTIONS", .scheme = "https", .authority = "shop.example", .target = "/"};
  request.fields.add("origin", origin);
  request.fields.add("access-control-request-method", method);
  if (!headers.empty()) request.fields.add("access-control-request-headers", headers);
  for (const auto& [name, value] : more) request.fields.add(name, value);
  return edge.send(std::move(request));
}

std::string field(const http::Response& response, std::string_view name) {
  return response.fields.get_all(name).value_or("-");
}

constexpr std::string_view kCors = R"(
[edge.cors]
origins = ["https://app.example", "https://*.example.com", "http://localhost:3000"]
methods = ["GET", "PUT", "DELETE"]
headers = ["Content-Type", "X-Token"]
expose = ["X-Total", "ETag"]
credentials = true
max_age = "10m"
)";

TEST(Cors, AllowedOriginsMayReadTheResponse) {
  TestEdge edge(kCors);
  for (const char* origin : {"https://app.example", "https://a.example.com",
                             "https://a.b-1.example.com", "http://localhost:3000"}) {
    const auto response = edge.get("/", {{"origin", origin}});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(field(response, "access-control-allow-origin"), origin);
    EXPECT_EQ(field(response, "access-control-allow-credentials"), "true");
    EXPECT_EQ(field(response, "access-control-expose-headers"), "x-total, etag");
    EXPECT_EQ(field(response, "vary"), "origin");
  }
}

TEST(Cors, OtherOriginsMayNot) {
  TestEdge edge(kCors);
  for (const char* origin : {"null",
                             "https://APP.example",
                             "http://app.example",
                             "https://app.example:444",
                             "https://app.example.evil",
                             "https://evil.example/https://app.example",
                             "https://example.com",
                             "https://.example.com",
                             "https://evilexample.com",
                             "https://evil.example/.example.com",
                             "https://evil.example#.example.com",
                             "https://evil.example?.example.com",
                             "https://user@a.example.com",
                             "https://evil.example:80.example.com",
                             "https://A.example.com",
                             "https://a.example.com:8443",
                             "https://a.example.com, https://evil.example",
                             "https://app.example\xff",
                             "",
                             "*",
                             "http://localhost:30000",
                             "file://"}) {
    const auto response = edge.get("/", {{"origin", origin}});
    EXPECT_EQ(response.status, 200) << origin;
    EXPECT_EQ(field(response, "access-control-allow-origin"), "-") << origin;
    EXPECT_EQ(field(response, "access-control-allow-credentials"), "-") << origin;
    EXPECT_EQ(field(response, "vary"), "origin") << origin;
  }
  const auto twice =
      edge.get("/", {{"origin", "https://app.example"}, {"origin", "https://evil.example"}});
  EXPECT_EQ(field(twice, "access-control-allow-origin"), "-");
  EXPECT_EQ(field(edge.get("/"), "vary"), "origin") << "also for requests without an origin";
}

TEST(Cors, PreflightsAreAnsweredAtTheEdge) {
  TestEdge edge(kCors);
  const auto response =
      preflight(edge, "https://app.example", "PUT", "x-token, content-type,X-Token");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(field(response, "access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(field(response, "access-control-allow-credentials"), "true");
  EXPECT_EQ(field(response, "access-control-allow-methods"), "GET, PUT, DELETE");
  EXPECT_EQ(field(response, "access-control-allow-headers"), "x-token, content-type");
  EXPECT_EQ(field(response, "access-control-max-age"), "600");
  EXPECT_EQ(field(response, "vary"),
            "access-control-request-method, access-control-request-headers, origin");
  EXPECT_EQ(preflight(edge, "https://app.example", "POST").status, 204) << "safelisted";
  EXPECT_EQ(edge.fetches(), 0u);
}

TEST(Cors, OptionsThatAreNoPreflightPass) {
  TestEdge edge(kCors);
  http::Request request{
      .method = "OPTIONS", .scheme = "https", .authority = "shop.example", .target = "*"};
  request.fields.add("origin", "https://app.example");
  EXPECT_EQ(edge.send(std::move(request)).status, 200);
  EXPECT_EQ(
      edge.get("/", {{"origin", "https://app.example"}, {"access-control-request-method", "PUT"}})
          .status,
      200);
  EXPECT_EQ(edge.fetches(), 2u);
}

TEST(Cors, HostilePreflightsAreRefused) {
  TestEdge edge(kCors);
  const std::tuple<const char*, const char*, std::string> kRefused[] = {
      {"https://evil.example", "PUT", ""},
      {"https://app.example", "PATCH", ""},
      {"https://app.example", "put", ""},
      {"https://app.example", "", ""},
      {"https://app.example", "*", ""},
      {"https://app.example", "PUT, DELETE", ""},
      {"https://app.example", "PUT\r\nx: y", ""},
      {"https://app.example", "PUT", "x-other"},
      {"https://app.example", "PUT", "x-token, x other"},
      {"https://app.example", "PUT", "x-token\r\nset-cookie: a=b"},
      {"https://app.example", "PUT", "*"},
      {"https://app.example", "PUT", "authorization"},
  };
  for (const auto& [origin, method, headers] : kRefused) {
    auto response = preflight(edge, origin, method, headers);
    EXPECT_EQ(response.status, 403) << origin << " " << method << " " << headers;
    EXPECT_EQ(field(response, "access-control-allow-methods"), "-");
    EXPECT_EQ(field(response, "access-control-allow-headers"), "-");
    EXPECT_NE(field(response, "vary").find("origin"), std::string::npos);
    EXPECT_EQ(edge.text(response).find("evil"), std::string::npos) << "nothing is reflected";
  }
  EXPECT_EQ(preflight(edge, "https://app.example", "PUT", std::string(5000, ',')).status, 204);
  EXPECT_EQ(edge.fetches(), 0u);
}

TEST(Cors, AnyOriginIsAnsweredAlike) {
  TestEdge edge(R"(cors = { origins = ["*"], methods = ["*"], headers = ["*"] })");
  const auto response = edge.get("/", {{"origin", "https://any.example"}});
  EXPECT_EQ(field(response, "access-control-allow-origin"), "*");
  EXPECT_EQ(field(response, "vary"), "-");
  EXPECT_EQ(field(edge.get("/"), "access-control-allow-origin"), "*") << "so caches may share it";
  const auto allowed = preflight(edge, "https://any.example", "PATCH", "x-any, x-other");
  EXPECT_EQ(field(allowed, "access-control-allow-methods"), "PATCH");
  EXPECT_EQ(field(allowed, "access-control-allow-headers"), "x-any, x-other");
  EXPECT_EQ(preflight(edge, "https://a.example", "GET", "authorization").status, 403)
      << "no wildcard covers it";
  std::string many = "x-0";
  for (int i = 1; i < 200; ++i) many += fmt::format(",x-{}", i);
  EXPECT_EQ(preflight(edge, "https://a.example", "GET", many).status, 403);
  for (const char* method : {"P A", "P,A", "P\"A", "\xff"}) {
    const auto odd = preflight(edge, "https://a.example", method);
    EXPECT_EQ(field(odd, "access-control-allow-methods"), "*") << method;
  }
}

TEST(Cors, TheOriginServerDoesNotDecide) {
  TestEdge edge(kCors, [](http::Request&) {
    http::Response response;
    response.fields.add("access-control-allow-origin", "*");
    response.fields.add("access-control-allow-credentials", "true");
    response.fields.add("vary", "Accept-Encoding, Origin");
    return response;
  });
  const auto response = edge.get("/", {{"origin", "https://evil.example"}});
  EXPECT_EQ(field(response, "access-control-allow-origin"), "-");
  EXPECT_EQ(field(response, "access-control-allow-credentials"), "-");
  EXPECT_EQ(field(response, "vary"), "Accept-Encoding, Origin");
}

TEST(Cors, RedirectsMayBeFollowed) {
  TestEdge edge(R"(
cors = { origins = ["https://app.example"] }
redirects = { from = "/a", to = "/b" }
)");
  const auto response = edge.get("/a", {{"origin", "https://app.example"}});
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(field(response, "access-control-allow-origin"), "https://app.example");
}

TEST(Cors, PrivateNetworksAreAnOption) {
  const FieldList kAsked = {{"access-control-request-private-network", "true"}};
  TestEdge without(R"(cors = { origins = ["https://app.example"] })");
  EXPECT_EQ(preflight(without, "https://app.example", "GET", "", kAsked).status, 403);
  TestEdge with(R"(cors = { origins = ["https://app.example"], private_network = true })");
  const auto response = preflight(with, "https://app.example", "GET", "", kAsked);
  EXPECT_EQ(field(response, "access-control-allow-private-network"), "true");
  EXPECT_EQ(
      field(preflight(with, "https://app.example", "GET"), "access-control-allow-private-network"),
      "-");
}

TEST(Cors, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(cors = {})", "'cors' needs 'origins'"},
      {R"(cors = { origins = [] })", "'cors' needs 'origins'"},
      {R"(cors = { origins = ["*"], credentials = true })", "the origins must be named"},
      {R"(cors = { origins = ["null"], credentials = true })", "the origins must be named"},
      {R"(cors = { origins = ["https://a.example/"] })", "is not an origin"},
      {R"(cors = { origins = ["a.example"] })", "is not an origin"},
      {R"(cors = { origins = ["https://A.example"] })", "is not an origin"},
      {R"(cors = { origins = ["https://a.example:443"] })", "is not an origin"},
      {R"(cors = { origins = ["https://"] })", "is not an origin"},
      {R"(cors = { origins = ["https://*"] })", "must stand as in"},
      {R"(cors = { origins = ["https://*.com"] })", "must stand as in"},
      {R"(cors = { origins = ["https://a*.example.com"] })", "must stand as in"},
      {R"(cors = { origins = ["https://*example.com"] })", "must stand as in"},
      {R"(cors = { origins = ["https://*.*.example.com"] })", "is not an origin"},
      {R"(cors = { origins = ["*"], methods = ["P A"] })", "cannot stand in 'methods'"},
      {R"(cors = { origins = ["*"], headers = ["a:b"] })", "cannot stand in 'headers'"},
      {R"(cors = { origins = ["*"], max_age = "soon" })", "'max_age'"},
      {R"(cors = { origin = ["*"] })", "did you mean 'origins'"},
      {R"(cors = true)", "must be a table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
