#include "node/s3/signature.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "node/s3/chunk_decoder.h"

namespace cusp::node::s3 {

namespace {

using std::chrono::sys_days;
using namespace std::chrono_literals;

// The examples of Amazon's reference: "Examples: Signature Calculations in AWS Signature Version 4"
// and "Example: Calculations for a chunked upload".
constexpr auto kDay = sys_days(2013y / 5 / 24);
const TokenPtr kToken = std::make_shared<const Token>(
    Token{.id = "AKIAIOSFODNN7EXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"});
constexpr std::string_view kEmptyDigest =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TokenPtr find(std::string_view id) { return id == kToken->id ? kToken : nullptr; }

http::Request example() {
  http::Request request{.method = "GET",
                        .scheme = "http",
                        .authority = "examplebucket.s3.amazonaws.com",
                        .target = "/test.txt"};
  request.fields.add("range", "bytes=0-9");
  request.fields.add("x-amz-content-sha256", kEmptyDigest);
  request.fields.add("x-amz-date", "20130524T000000Z");
  request.fields.add("authorization",
                     "AWS4-HMAC-SHA256 "
                     "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                     "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  return request;
}

http::Request presigned_example() {
  return {.method = "GET",
          .scheme = "http",
          .authority = "examplebucket.s3.amazonaws.com",
          .target =
              "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
              "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date="
              "20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"};
}

// "ok", or the code of the failure.
std::string check(const http::Request& request, std::chrono::sys_seconds now = kDay) {
  const auto target = parse_target(request, "");
  if (!target) return std::string(target.error().code);
  const auto verified = verify(request, *target, find, now);
  return verified ? "ok" : std::string(verified.error().code);
}

TEST(S3Signature, OfAmazonsExampleIsRight) { EXPECT_EQ(check(example()), "ok"); }

TEST(S3Signature, OfAnotherRequestIsWrong) {
  const auto changed = [](auto change) {
    auto request = example();
    change(request);
    return check(request);
  };
  for (const auto& code : {
           changed([](auto& request) { request.method = "PUT"; }),
           changed([](auto& request) { request.target = "/test.txu"; }),
           changed([](auto& request) { request.target = "/test.txt?a"; }),
           changed([](auto& request) { request.authority = "other.s3.amazonaws.com"; }),
           changed([](auto& request) { request.fields.set("range", "bytes=0-8"); }),
           changed([](auto& request) { request.fields.add("range", "bytes=0-8"); }),
           changed([](auto& request) { request.fields.set("x-amz-content-sha256", "0"); }),
           changed([](auto& request) { request.fields.set("x-amz-date", "20130524T000001Z"); }),
       }) {
    EXPECT_EQ(code, "SignatureDoesNotMatch");
  }
  EXPECT_EQ(changed([](auto& request) { request.fields.add("x-amz-acl", "public-read"); }),
            "AccessDenied");
  EXPECT_EQ(changed([](auto& request) { request.fields.remove("authorization"); }), "AccessDenied");
  EXPECT_EQ(changed([](auto& request) { request.fields.remove("x-amz-content-sha256"); }),
            "InvalidRequest");
}

TEST(S3Signature, CountsForAQuarterOfAnHourOnEitherSide) {
  EXPECT_EQ(check(example(), kDay + 15min), "ok");
  EXPECT_EQ(check(example(), kDay - 15min), "ok");
  EXPECT_EQ(check(example(), kDay + 15min + 1s), "RequestTimeTooSkewed");
  EXPECT_EQ(check(example(), kDay - 15min - 1s), "RequestTimeTooSkewed");
}

TEST(S3Signature, OfAmazonsPresignedUrlCountsUntilItExpires) {
  EXPECT_EQ(check(presigned_example()), "ok");
  EXPECT_EQ(check(presigned_example(), kDay + 24h - 1s), "ok");
  EXPECT_EQ(check(presigned_example(), kDay + 24h), "AccessDenied");
  EXPECT_EQ(check(presigned_example(), kDay - 1h), "RequestTimeTooSkewed");
}

TEST(S3Signature, ThatIsMalformedIsToldSo) {
  const auto with = [](std::string_view authorization) {
    auto request = example();
    request.fields.set("authorization", authorization);
    return check(request);
  };
  constexpr std::string_view kScope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
  const std::string signature(64, '0');
  for (const std::string& text :
       {std::string(), std::string(" "), std::string(",,,,"), std::string("Credential"),
        fmt::format("Credential={}", kScope),
        fmt::format("Credential={},SignedHeaders=host,Signature=1", kScope),
        fmt::format("Credential={},SignedHeaders=range,Signature={}", kScope, signature),
        fmt::format("Credential={},SignedHeaders=range;host,Signature={}", kScope, signature),
        fmt::format("Credential=a/b,SignedHeaders=host,Signature={}", signature),
        std::string(100'000, ',')}) {
    EXPECT_EQ(with("AWS4-HMAC-SHA256 " + text), "AuthorizationHeaderMalformed") << text;
  }
  EXPECT_EQ(with("AWS AKIAIOSFODNN7EXAMPLE:x"), "InvalidRequest");
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"=86400", "=0"},
                                                        {"=86400", "=604801"},
                                                        {"=86400", "=x"},
                                                        {"=host", "=range"},
                                                        {"%2Fs3%2F", "%2Fsqs%2F"},
                                                        {"20130524T000000Z", "20131324T000000Z"},
                                                        {"AWS4-HMAC", "AWS5-HMAC"}}) {
    auto request = presigned_example();
    request.target.replace(request.target.find(from), from.size(), to);
    EXPECT_EQ(check(request), "AuthorizationQueryParametersError") << to;
  }
}

// Amazon's example of a body in chunks: 66,560 times "a".
std::string chunked_example() {
  const auto chunk = [](const char* head, size_t size) {
    return std::string(head) + "\r\n" + std::string(size, 'a') + "\r\n";
  };
  return chunk(
             "10000;chunk-signature="
             "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
             65536) +
         chunk(
             "400;chunk-signature="
             "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
             1024) +
         chunk(
             "0;chunk-signature="
             "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
             0);
}

ChunkSigner example_signer() {
  http::Request request = example();
  const auto target = parse_target(request, "");
  ChunkSigner signer = verify(request, *target, find, kDay)->chunks;
  signer.previous = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  return signer;
}

TEST(S3Chunks, OfAmazonsExampleAreTakenInPiecesOfAnySize) {
  const std::string body = chunked_example();
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}, body.size()}) {
    ChunkDecoder decoder(example_signer(), false);
    std::string content;
    for (size_t at = 0; at < body.size(); at += piece) {
      EXPECT_FALSE(decoder.done());
      ASSERT_TRUE(decoder.feed(std::string_view(body).substr(at, piece), content));
    }
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(content, std::string(66'560, 'a'));
  }
}

TEST(S3Chunks, WithAnythingChangedAreNeverDone) {
  const std::string body = chunked_example();
  for (size_t at = 0; at < body.size(); at += at < 100 || at > body.size() - 200 ? 1 : 1009) {
    std::string changed = body;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    ChunkDecoder decoder(example_signer(), false);
    std::string content;
    const auto fed = decoder.feed(changed, content);
    const bool name = at < 22 && at > 4;  // of the extension, which nobody signs
    EXPECT_TRUE(!fed || !decoder.done() || name) << at;
  }
}

TEST(S3Chunks, WithoutSignaturesHaveTheirTrailers) {
  ChunkDecoder decoder(std::nullopt, true);
  std::string content;
  ASSERT_TRUE(decoder.feed("3\r\nabc\r\n0\r\nX-Amz-Checksum-Crc32: NSRBwg==\r\n\r\n", content));
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(content, "abc");
  ASSERT_EQ(decoder.trailers().size(), 1);
  EXPECT_EQ(decoder.trailers()[0].first, "x-amz-checksum-crc32");
  EXPECT_EQ(decoder.trailers()[0].second, "NSRBwg==");
}

TEST(S3Chunks, WithBrokenFramingAreRefused) {
  for (const std::string& text :
       {std::string("\r\n"), std::string("x\r\n"), std::string("-1\r\n"), std::string("3\nabc"),
        std::string("3\r\nabcd\r\n"), std::string("10000000000000000\r\n"),
        std::string("ffffffffffff\r\n"), std::string(2000, '1'), std::string("0\r\nno colon\r\n"),
        "0\r\n" + std::string(2000, 'a') + ":\r\n", std::string("0\r\n\r\nmore")}) {
    ChunkDecoder decoder(std::nullopt, true);
    std::string content;
    EXPECT_FALSE(decoder.feed(text, content)) << text.substr(0, 30);
  }
}

}  // namespace

}  // namespace cusp::node::s3
