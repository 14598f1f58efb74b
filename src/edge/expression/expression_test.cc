#include "edge/expression/expression.h"

#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

class Tokyo final : public Geo {
 public:
  Place find(std::string_view) const override {
    return {.continent = "AS",
            .country = "JP",
            .region = "13",
            .city = "Tokyo",
            .timezone = "Asia/Tokyo",
            .asn = 64500,
            .as_organization = "Example Telecom"};
  }
};

// A request with something in each of its parts, and what expressions make of it.
class ExpressionTest : public ::testing::Test {
 protected:
  ExpressionTest() {
    request.fields.add("host", request.authority);
    request.fields.add("user-agent", "curl/8.0");
    request.fields.add("x-part", "one");
    request.fields.add("x-part", "two");
    request.fields.add("cookie", "theme=dark; id=7");
    request.fields.add("cookie", "id=8");
    exchange.client.address = "192.0.2.1";
  }

  bool test(std::string_view text) {
    const auto expression = Expression::parse_condition(text);
    EXPECT_TRUE(expression) << text << ": " << expression.error().message;
    return expression && expression->test(exchange);
  }
  std::string value(std::string_view text) {
    const auto expression = Expression::parse(text);
    EXPECT_TRUE(expression) << text << ": " << expression.error().message;
    return expression ? expression->value(exchange) : "";
  }

  const Tokyo tokyo;
  io::asio::io_context loop;
  std::unique_ptr<http::Client> client = http::make_client(loop.get_executor());
  ShardContext shard{.executor = loop.get_executor(), .client = *client, .geo = &tokyo};
  http::Request request{.method = "GET",
                        .scheme = "https",
                        .authority = "Shop.Example.:8443",
                        .target = "/a%2Fb/c?q=x+y%21&q=z&empty&n%61me=v"};
  Exchange exchange{request, shard};
};

TEST_F(ExpressionTest, FieldsAreThoseOfTheRequest) {
  const std::pair<const char*, const char*> kValues[] = {
      {"ip", "192.0.2.1"},
      {"country", "JP"},
      {"region", "13"},
      {"city", "Tokyo"},
      {"continent", "AS"},
      {"timezone", "Asia/Tokyo"},
      {"asn", "64500"},
      {"as_organization", "Example Telecom"},
      {"host", "shop.example"},
      {"path", "/a%2Fb/c"},
      {"query", "q=x+y%21&q=z&empty&n%61me=v"},
      {R"(query["q"])", "x y!, z"},
      {R"(query["name"])", "v"},
      {R"(query["empty"])", ""},
      {R"(query["none"])", ""},
      {R"(header["User-Agent"])", "curl/8.0"},
      {R"(header["x-part"])", "one, two"},
      {R"(header["none"])", ""},
      {R"(cookie["theme"])", "dark"},
      {R"(cookie["id"])", "7, 8"},
      {R"(cookie["none"])", ""},
      {"method", "GET"},
      {"scheme", "https"},
      {"http_version", "1.1"},
      {"tls", "false"},
      {"url_decode(path)", "/a/b/c"},
      {"upper(city)", "TOKYO"},
      {"lower(city)", "tokyo"},
      {"length(city)", "5"},
      {R"(length(lower("ÄB")))", "3"},
      {R"("a \"quoted\" text\\")", "a \"quoted\" text\\"},
      {R"(r"\d")", "\\d"},
      {"17", "17"},
      {"path == query", "false"},
  };
  for (const auto& [text, expected] : kValues) EXPECT_EQ(value(text), expected) << text;
}

TEST_F(ExpressionTest, OperatorsHoldWhereTheyShould) {
  const char* kHolding[] = {
      R"(country == "JP")",
      R"(country != "DE")",
      R"(country in ["DE", "JP"])",
      R"(country not in ["DE", "AT"])",
      R"(country in "JP")",
      R"(asn == 64500)",
      R"(asn in [1, 64500, 2])",
      R"(asn not in [1, 2])",
      R"(asn >= 64500 and asn <= 64500 and asn > 1 and asn < 65000 and asn != 2)",
      R"(length(path) < 9)",
      R"(ip in ["10.0.0.0/8", "192.0.2.0/24"])",
      R"(ip in "192.0.2.1")",
      R"(ip == "192.0.2.1")",
      R"(ip != "192.0.2.2")",
      R"(ip not in ["2001:db8::/32"])",
      R"(ip in ["::ffff:192.0.2.0/120"])",
      R"(ip starts_with "192.")",
      R"(path starts_with "/a")",
      R"(path ends_with ["x", "/c"])",
      R"(path contains ["nothing", "%2F"])",
      R"(path matches r"^/a%2f.b"  or path matches r"(?i)^/A%2fB/")",
      R"(not path matches "^b")",
      R"(header["user-agent"] matches r"^curl/\d+\.")",
      R"(header["x-part"] == "one, two")",
      R"("dark" == cookie["theme"])",
      R"(upper(lower(city)) == upper("Tokyo"))",
      R"(true and !false && not false || false)",
      "true or false and false",
      "not false and true",
      "(true or false) and not (false or false)",
      "host\t==\n\"shop.example\"",
  };
  for (const char* text : kHolding) EXPECT_TRUE(test(text)) << text;
  const char* kNotHolding[] = {
      "(true or true) and false",
      "not true or false",
      R"(country == "jp")",
      R"(header["none"] contains "x")",
      R"(ip in ["192.0.2.2/31"])",
      R"(ip in ["::/96"])",
      R"(asn > 64500)",
  };
  for (const char* text : kNotHolding) EXPECT_FALSE(test(text)) << text;
}

TEST_F(ExpressionTest, AnAddressThatIsNoneLiesInNoBlock) {
  for (const char* address : {"", "unknown", "1.2.3", "192.0.2.1:80", "::ffff:192.0.2.1.9"}) {
    exchange.client.address = address;
    EXPECT_FALSE(test(R"(ip in ["0.0.0.0/0", "::/0"])")) << address;
  }
  exchange.client.address = "::ffff:192.0.2.9";
  EXPECT_TRUE(test(R"(ip in "192.0.2.0/24")"));
}

TEST_F(ExpressionTest, HostileRequestsDoNotEscapePatterns) {
  request.target = "/a?x=%00%ff\n";
  request.fields.set("user-agent", "a\xff\xfe<script>");
  EXPECT_TRUE(test(R"(header["user-agent"] matches "^a.*<script")"));
  EXPECT_TRUE(test(R"(length(query["x"]) == 3)"));
  EXPECT_TRUE(test(R"(url_decode(query) matches "^x=.{2}.$")"));
  request.target = "/a?x=1&x=%3Cscript%3E";
  EXPECT_TRUE(test(R"(query["x"] contains "<script>")"));
  request.target = "/%";
  EXPECT_EQ(value("url_decode(path)"), "/%");
  request.target = "/%zz%4";
  EXPECT_EQ(value("url_decode(path)"), "/%zz%4");
  request.target = "/%2541";
  EXPECT_EQ(value("url_decode(path)"), "/%41");
  request.target = "/" + std::string(15'000, 'a') + "?" + std::string(1000, '&');
  EXPECT_FALSE(test(R"(path matches "(a*)*(a*)*(a*)*b$" or query["b"] == "c")"));
}

TEST_F(ExpressionTest, OddHostsAreRead) {
  const std::pair<const char*, const char*> kHosts[] = {{"EXAMPLE.com", "example.com"},
                                                        {"[::1]:80", "[::1]"},
                                                        {"[::1]", "[::1]"},
                                                        {"", ""},
                                                        {":80", ""},
                                                        {".", ""}};
  for (const auto& [authority, host] : kHosts) {
    request.authority = authority;
    EXPECT_EQ(value("host"), host) << authority;
  }
}

TEST(Expression, MistakesAreNamedWithTheirColumn) {
  const std::pair<std::string, const char*> kWrong[] = {
      {"", "expected a field, a text or a number, not the end at column 1 of the expression"},
      {"pth == \"/\"", "there is no field 'pth'; did you mean 'path'? at column 1"},
      {"path == ", "not the end at column 9"},
      {"path = \"/\"", "'=' compares nothing; write '==' at column 6"},
      {"path == '/'", "double quotes, not single ones, at column 9"},
      {"path == \"/", "without its closing quote at column 9"},
      {"path == r\"/", "without its closing quote at column 9"},
      {"path == \"\\d\"", "an unknown escape"},
      {"path == \"\\", "an unknown escape"},
      {"path == 5", "'==' does not compare a text with a number at column 6"},
      {"path < \"a\"", "'<' does not compare a text with a text at column 6"},
      {"asn == \"5\"", "does not compare a number with a text"},
      {"asn == 99999999999999999999", "too large at column 8"},
      {"asn in [1, \"2\"]", "expected a number at column 12"},
      {"asn in []", "a list without members at column 8"},
      {"asn in [1 2]", "expected ']', not '2' at column 11"},
      {"asn in [[1]]", "not '[' at column 9"},
      {"country in path", "'in' needs a list"},
      {"ip in [\"10.0.0.0/33\"]", "neither an address nor a block"},
      {"ip in [5]", "expected an address in quotes at column 8"},
      {"ip == \"10.0.0\"", "neither an address nor a block"},
      {"tls in [\"a\"]", "'in' does not look for a condition"},
      {"path matches \"(\"", "not a pattern that RE2 takes (missing ): () at column 14"},
      {"path matches r\"(a)\\1\"", "not a pattern that RE2 takes"},
      {"path matches \"((((a{1000}){1000}){1000}){1000})\"", "not a pattern that RE2 takes"},
      {"path matches path", "'matches' stands between a text and a pattern"},
      {"path contains 5", "'contains' stands between two texts, not a text and a number"},
      {"path and tls", "'and' joins two conditions, not a text and a condition, at column 6"},
      {"not path", "'not' needs a condition, not a text, at column 1"},
      {"path", "expected a condition"},
      {"[1]", "a list is not a value at column 1"},
      {"tls tls", "expected an operator such as 'and', not 'tls' at column 5"},
      {"(tls", "expected ')', not the end at column 5"},
      {"tls)", "not ')' at column 4"},
      {"a == b == c", "there is no field 'a'"},
      {"path == path == path", "does not compare a condition with a text at column 14"},
      {"tls not tls", "expected 'in', not 'tls' at column 9"},
      {"header == \"a\"", "'header' needs a name, as in header[\"name\"] at column 1"},
      {"header[5] == \"a\"", "expected a name in quotes"},
      {"header[\"a b\"] == \"a\"", "'a b' is not the name of a header field at column 1"},
      {"header[\"a\"", "expected ']', not the end"},
      {"path[\"a\"] == \"b\"", "not '['"},
      {"lower path", "expected '(', not 'path'"},
      {"lower(asn) == \"a\"", "lower() takes a text, not a number, at column 7"},
      {"length(tls) == 1", "length() takes a text, not a condition"},
      {"path == \"a\" $", "a character that means nothing here at column 13"},
      {std::string("tls\0", 4), "means nothing here at column 4"},
      {"tls \xff", "means nothing here at column 5"},
      {"5 == -1", "means nothing here at column 6"},
  };
  for (const auto& [text, expected] : kWrong) {
    const auto expression = Expression::parse_condition(text);
    ASSERT_FALSE(expression) << text;
    const std::string& message = expression.error().message;
    EXPECT_NE(message.find(expected), message.npos) << text << " → " << message;
    EXPECT_NE(message.find(" of the expression"), message.npos) << message;
  }
}

std::string repeated(std::string_view part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Expression, SizeAndDepthAreBounded) {
  const std::pair<std::string, const char*> kTooMuch[] = {
      {repeated("(", 7000) + "tls" + repeated(")", 1000), "nested deeper than 32 at column 33"},
      {repeated("not ", 1000) + "tls", "nested deeper"},
      {repeated("!", 1000) + "tls", "nested deeper"},
      {repeated("lower(", 1000) + "path", "nested deeper"},
      {repeated("tls or ", 1000) + "tls", "more than 256 parts"},
      {repeated(" ", 9000) + "tls", "longer than 8192 bytes"},
  };
  for (const auto& [text, expected] : kTooMuch) {
    const auto expression = Expression::parse(text);
    ASSERT_FALSE(expression) << text;
    EXPECT_NE(expression.error().message.find(expected), std::string::npos)
        << expression.error().message;
  }
  EXPECT_TRUE(Expression::parse(repeated("tls or ", 120) + "tls"));
  EXPECT_TRUE(Expression::parse(repeated("(", 31) + "tls" + repeated(")", 31)));
}

}  // namespace
}  // namespace cusp::edge
