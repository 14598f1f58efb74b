#include "http/h1_parser.h"

#include <gtest/gtest.h>

#include <vector>

namespace cusp::http {
namespace {

using std::string;
using std::string_view;

struct Parsed {
  Request request;
  RequestFraming framing;
};

std::expected<Parsed, SyntaxError> parse(string_view text, const HeadLimits& limits = {}) {
  const auto end = find_head_end(text, 0, limits);
  if (!end) return std::unexpected(end.error());
  if (!*end) return std::unexpected(SyntaxError{0, "incomplete"});
  Parsed parsed;
  const auto framing = parse_request_head(text.substr(0, **end), limits, parsed.request);
  if (!framing) return std::unexpected(framing.error());
  parsed.framing = *framing;
  return parsed;
}

// A GET with these lines after the host.
string get(string_view lines) { return "GET / HTTP/1.1\r\nHost: a\r\n" + string(lines) + "\r\n"; }

TEST(H1Parser, ReadsARequest) {
  const auto parsed = parse(
      "POST /a/b?c=%20d HTTP/1.1\r\nHost: example.com:80\r\nX-Name:\t a  b \r\nEmpty:\r\n"
      "Content-Length: 12\r\n\r\n");
  ASSERT_TRUE(parsed) << parsed.error().reason;
  const Request& request = parsed->request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b?c=%20d");
  EXPECT_EQ(request.authority, "example.com:80");
  EXPECT_EQ(request.version, Version::kHttp11);
  EXPECT_EQ(request.fields.get("x-name"), "a  b");
  EXPECT_EQ(request.fields.get("empty"), "");
  EXPECT_EQ(request.fields.get("host"), "example.com:80");
  EXPECT_EQ(parsed->framing.framing, Framing::kLength);
  EXPECT_EQ(parsed->framing.content_length, 12u);
  EXPECT_TRUE(parsed->framing.keep_alive);
}

TEST(H1Parser, AnAbsoluteTargetOverridesHost) {
  const auto parsed = parse("GET http://b.example:8080/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.authority, "b.example:8080");
  EXPECT_EQ(parsed->request.target, "/x?y");
  EXPECT_EQ(parse("GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n")->request.target, "/");
  EXPECT_EQ(parse("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n")->request.target, "/?q");
}

TEST(H1Parser, AnAsteriskIsATargetOfOptionsOnly) {
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")->request.target, "*");
  EXPECT_EQ(parse("GET * HTTP/1.1\r\nHost: a\r\n\r\n").error().status, 400);
}

TEST(H1Parser, ConnectionFieldsAreTakenOut) {
  const auto parsed =
      parse(get("Connection: Keep-Alive, close\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: x\r\n"
                "Proxy-Connection: y\r\nExpect: 100-Continue\r\nX: z\r\n"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.fields.size(), 2u);
  EXPECT_EQ(parsed->request.fields.get("x"), "z");
  EXPECT_FALSE(parsed->framing.keep_alive);
  EXPECT_TRUE(parsed->framing.expects_continue);
}

TEST(H1Parser, FieldsThatConnectionNamesAreTakenOut) {
  const auto parsed =
      parse(get("X-Hop: 1\r\nConnection: x-HOP , close,\r\nX-Hop: 2\r\nX-Hops: 3\r\n"
                "Connection: Cookie\r\nCookie: c\r\nConnection: x-absent\r\n"));
  ASSERT_TRUE(parsed) << parsed.error().reason;
  EXPECT_EQ(parsed->request.fields.size(), 2u);  // host and x-hops
  EXPECT_EQ(parsed->request.fields.get("x-hops"), "3");
  EXPECT_FALSE(parsed->framing.keep_alive);

  const auto response = parse_response_head(
      "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n\r\n", "GET", {});
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_EQ(response->fields.size(), 1u);
  EXPECT_EQ(response->fields.get("x-kept"), "2");
}

TEST(H1Parser, ConnectionMayNotNameHostOrFraming) {
  for (const string_view option : {"host", "x, Content-Length", "transfer-encoding"}) {
    const auto parsed = parse(get("Connection: " + string(option) + "\r\n"));
    ASSERT_FALSE(parsed) << option;
    EXPECT_EQ(parsed.error().status, 400) << option;
    EXPECT_FALSE(parse_response_head(
        "HTTP/1.1 200 OK\r\nConnection: " + string(option) + "\r\n\r\n", "GET", {}));
  }
}

TEST(H1Parser, ConnectionOptionsThatAreNoFieldNamesNameNothing) {
  const auto parsed = parse(get("Connection: \"x\", x;y, x z, x\x80,,\r\nX: 1\r\n"));
  ASSERT_TRUE(parsed) << parsed.error().reason;
  EXPECT_EQ(parsed->request.fields.get("x"), "1");
}

TEST(H1Parser, ConnectionNamesNoMoreFieldsThanThereMayBe) {
  string options = "Connection: a";
  for (size_t i = 1; i < HeadLimits{}.fields_max; ++i) options += ",a";
  EXPECT_TRUE(parse(get(options + "\r\n")));
  const auto refused = parse(get(options + ",a\r\n"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 431);
}

TEST(H1Parser, TheVersionDecidesWhetherTheConnectionIsKept) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n")->framing.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->framing.keep_alive);
  EXPECT_TRUE(parse(get(""))->framing.keep_alive);
}

TEST(H1Parser, ARequestParsesIntoUsedMemoryWithoutATraceOfTheOneBefore) {
  Request request;
  const string first = "POST http://b/long HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n";
  const string second = "GET / HTTP/1.1\r\nHost: c\r\n\r\n";
  ASSERT_TRUE(parse_request_head(first, {}, request));
  ASSERT_TRUE(parse_request_head(second, {}, request));
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.authority, "c");
  EXPECT_EQ(request.target, "/");
  EXPECT_EQ(request.fields.size(), 1u);
}

struct Refused {
  const char* why;
  string text;
  uint16_t status;
};

void expect_refused(const std::vector<Refused>& cases) {
  for (const Refused& refused : cases) {
    const auto parsed = parse(refused.text);
    ASSERT_FALSE(parsed) << refused.why;
    EXPECT_EQ(parsed.error().status, refused.status) << refused.why;
  }
}

TEST(H1Parser, RefusesFieldsThatTwoParsersCouldReadInTwoWays) {
  const string nul(1, '\0');
  expect_refused({
      {"both framings", get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"both, the other way round", get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
       400},
      {"content-length twice", get("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"a list of lengths", get("Content-Length: 3, 3\r\n"), 400},
      {"a signed length", get("Content-Length: +3\r\n"), 400},
      {"a negative length", get("Content-Length: -3\r\n"), 400},
      {"a hexadecimal length", get("Content-Length: 0x3\r\n"), 400},
      {"an empty length", get("Content-Length:\r\n"), 400},
      {"a length with a space inside", get("Content-Length: 1 2\r\n"), 400},
      {"a length beyond 64 bits", get("Content-Length: 18446744073709551616\r\n"), 400},
      {"chunked twice", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked in a list twice", get("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"another coding", get("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"identity", get("Transfer-Encoding: identity\r\n"), 501},
      {"a coding with a vertical tab",
       get("Transfer-Encoding: \x0b"
           "chunked\r\n"),
       400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"a space before the colon", get("Content-Length : 3\r\n"), 400},
      {"a tab before the colon", get("X\t: 3\r\n"), 400},
      {"a folded line", get("X: a\r\n b\r\n"), 400},
      {"a folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"a line feed inside a value", get("X: a\nY: b\r\n"), 400},
      {"only line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a line feed in the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"a bare CR", get("X: a\rb\r\n"), 400},
      {"CR CR LF", get("X: a\r\r\n"), 400},
      {"NUL in a value", get("X: a" + nul + "\r\n"), 400},
      {"NUL in a name", get("X" + nul + ": a\r\n"), 400},
      {"DEL in a value", get("X: a\x7f\r\n"), 400},
      {"an empty name", get(": a\r\n"), 400},
      {"no colon", get("X\r\n"), 400},
      {"a separator in a name", get("X(y): a\r\n"), 400},
      {"a byte above ASCII in a name", get("X\xc3\xa9: a\r\n"), 400},
  });
}

TEST(H1Parser, RefusesRequestLinesAndHostsThatTwoParsersCouldReadInTwoWays) {
  expect_refused({
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"host twice", get("Host: b\r\n"), 400},
      {"the same host twice", get("HOST: a\r\n"), 400},
      {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"a host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"two hosts in one", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"a host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"an absolute target without authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a target with a user", "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"another scheme", "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a relative target", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"a byte above ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"a space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a forbidden method", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"another protocol", "GET / HTTQ/1.1\r\nHost: a\r\n\r\n", 400},
      {"a lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"a long version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2 in text", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"another expectation", get("Expect: tea\r\n"), 417},
  });
}

TEST(H1Parser, LimitsHaveStatusesOfTheirOwn) {
  const HeadLimits limits{.head_bytes_max = 200, .target_bytes_max = 50, .fields_max = 3};
  const string long_target = "GET /" + string(60, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(parse(long_target, limits).error().status, 414);
  EXPECT_EQ(parse("GET /" + string(300, 'a'), limits).error().status, 414);
  EXPECT_EQ(parse(get("X: " + string(300, 'a') + "\r\n"), limits).error().status, 431);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nX: " + string(300, 'a'), limits).error().status, 431);
  EXPECT_EQ(parse(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits).error().status, 431);
  EXPECT_TRUE(parse(get("A: 1\r\nB: 2\r\n"), limits));
}

TEST(H1Parser, ConnectionFieldsCountAgainstTheLimitToo) {
  const HeadLimits limits{.fields_max = 3};
  EXPECT_EQ(parse(get("TE: a\r\nTE: b\r\nTE: c\r\n"), limits).error().status, 431);
}

TEST(H1Parser, AHeadMayComeByteByByte) {
  const string text = get("X: y\r\n");
  size_t seen = 0;
  for (size_t size = 1; size < text.size(); ++size) {
    const auto end = find_head_end(string_view(text).substr(0, size), seen, {});
    ASSERT_TRUE(end) << end.error().reason;
    ASSERT_FALSE(*end) << size;
    seen = size;
  }
  const auto end = find_head_end(text, seen, {});
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, text.size());
}

TEST(H1Parser, ABrokenLineEndIsSeenAcrossTwoReads) {
  EXPECT_FALSE(find_head_end("GET / HTTP/1.1\rX", 15, {}));
  EXPECT_FALSE(find_head_end("GET / HTTP/1.1\r\nHost: a\n", 16, {}));
}

TEST(H1Parser, ReadsAResponse) {
  const auto head = parse_response_head(
      "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", "GET", {});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 404);
  EXPECT_EQ(head->framing, Framing::kLength);
  EXPECT_EQ(head->content_length, 3u);
  EXPECT_FALSE(head->keep_alive);
}

TEST(H1Parser, AResponseToHeadHasNoBodyWhateverItSays) {
  const string text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(parse_response_head(text, "HEAD", {})->framing, Framing::kNone);
  EXPECT_EQ(parse_response_head("HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n", "GET", {})->framing,
            Framing::kNone);
}

TEST(H1Parser, AResponseWithoutFramingEndsWithTheConnection) {
  const auto head = parse_response_head("HTTP/1.1 200 OK\r\n\r\n", "GET", {});
  EXPECT_EQ(head->framing, Framing::kUntilClose);
  EXPECT_FALSE(head->keep_alive);
}

TEST(H1Parser, RefusesBrokenResponses) {
  for (const char* text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 a\nb\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 -20 x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"}) {
    EXPECT_FALSE(parse_response_head(text, "GET", {})) << text;
  }
}

// What a decoder makes of input that comes in pieces of `piece` bytes.
struct Decoded {
  string data;
  Fields trailers;
  bool end = false;
  bool refused = false;
  size_t used = 0;
};

Decoded decode(string_view input, size_t piece, size_t data_max = limits::kBodyChunkBytes) {
  ChunkedDecoder decoder{HeadLimits{.head_bytes_max = 512, .fields_max = 4}};
  Decoded decoded;
  string pending;
  while (!decoded.end) {
    const auto step = decoder.next(pending, data_max);
    if (!step) {
      decoded.refused = true;
      return decoded;
    }
    EXPECT_LE(step->data.size(), data_max);
    decoded.data.append(step->data);
    decoded.used += step->consumed;
    decoded.end = step->end;
    pending.erase(0, step->consumed);
    if (step->consumed > 0 || step->end) continue;
    if (input.empty()) return decoded;
    pending.append(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
  decoded.trailers = decoder.take_trailers();
  return decoded;
}

TEST(H1Chunks, AreDecodedHoweverTheyAreCut) {
  const string_view input =
      "5\r\nhello\r\n00A;name=\"value\"\r\n, world!!!\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (const size_t piece : {1, 2, 3, 7, 1000}) {
    const Decoded decoded = decode(input, piece, 4);
    EXPECT_TRUE(decoded.end) << piece;
    EXPECT_EQ(decoded.data, "hello, world!!!") << piece;
    EXPECT_EQ(decoded.trailers.get("x-sum"), "1") << piece;
  }
}

TEST(H1Chunks, WhatFollowsTheBodyIsLeftAlone) {
  const Decoded decoded = decode("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n", 1000);
  EXPECT_TRUE(decoded.end);
  EXPECT_EQ(decoded.used, 11u);
}

TEST(H1Chunks, BrokenFramingIsRefused) {
  for (const string& input :
       std::vector<string>{"5\nhello\r\n",
                           "\r\n",
                           "x\r\n",
                           "0x5\r\nhello\r\n",
                           "-1\r\n",
                           "+5\r\nhello\r\n",
                           " 5\r\nhello\r\n",
                           "5 \r\nhello\r\n",
                           "5\r\nhello!\r\n",
                           "5\r\nhello\n",
                           "5\r\nhelloX",
                           "5,\r\nhello\r\n",
                           "10000000000000000\r\n",
                           "5;a\rb\r\nhello\r\n",
                           "5;" + string(600, 'a') + "\r\n",
                           "5;" + string(600, 'a'),
                           "0\r\nX: " + string(600, 'a') + "\r\n\r\n",
                           "0\r\nX: " + string(600, 'a'),
                           "0\r\nContent-Length: 3\r\n\r\n",
                           "0\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "0\r\nHost: a\r\n\r\n",
                           "0\r\nX : a\r\n\r\n",
                           "0\r\n X: a\r\n\r\n",
                           "0\r\nX\r\n\r\n",
                           "0\r\nX: a\n\r\n\r\n",
                           "0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n"}) {
    EXPECT_TRUE(decode(input, 1000).refused) << input;
    EXPECT_TRUE(decode(input, 1).refused) << input << " byte by byte";
  }
}

TEST(H1Chunks, AnUnfinishedBodyHasNoEnd) {
  for (const string_view input :
       {"5", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\nX: a\r\n", "0\r\n\r"}) {
    const Decoded decoded = decode(input, 1000);
    EXPECT_FALSE(decoded.end) << input;
    EXPECT_FALSE(decoded.refused) << input;
  }
}

}  // namespace
}  // namespace cusp::http
