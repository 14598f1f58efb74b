#include <chrono>

#include <gtest/gtest.h>

#include "base/base64.h"
#include "edge/auth/secret.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

constexpr std::string_view kOld = "an old secret of URLs";
constexpr std::string_view kNew = "a new secret of URLs";
constexpr std::string_view kKeys = R"(
[edge.signed_urls]
unsigned = ["utm_*"]
[edge.signed_urls.keys]
old = "an old secret of URLs"
new = "a new secret of URLs"
)";

std::string in_seconds(int64_t seconds) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds);
}

std::string sign(const std::string& url, std::string_view secret = kNew) {
  return url + "&signature=" + base64url_encode(hmac_sha256(secret, url));
}

std::string good(const std::string& path = "/film.mp4?") {
  return sign(path + "expires=" + in_seconds(60) + "&key=new");
}

TEST(SignedUrls, LetPassWhatIsSignedWithAnyKey) {
  std::string seen;
  TestEdge edge(kKeys, [&](http::Request& request) {
    seen = request.target;
    return http::text_response(200, "");
  });
  EXPECT_EQ(edge.get(good()).status, 200);
  EXPECT_EQ(seen, "/film.mp4");
  EXPECT_EQ(edge.get(good("/film.mp4?size=2&")).status, 200);
  EXPECT_EQ(seen, "/film.mp4?size=2");
  EXPECT_EQ(edge.get(sign("/a?expires=" + in_seconds(60) + "&key=old", kOld)).status, 200);
  EXPECT_EQ(edge.get(good() + "&utm_source=mail").status, 200);
  EXPECT_EQ(seen, "/film.mp4?utm_source=mail");
}

TEST(SignedUrls, ASignatureOfOpensslCounts) {
  // printf '%s' '/a?expires=4102444800&key=new' | openssl dgst -sha256 -hmac 'a new secret of URLs'
  TestEdge edge(kKeys);
  EXPECT_EQ(
      edge.get(
              "/a?expires=4102444800&key=new&signature=n3-HJNvWFk8O9N92tBExWmgR2wag8cM76CqLOQd_lJ8")
          .status,
      200);
}

TEST(SignedUrls, RefuseEverythingElse) {
  TestEdge edge(kKeys);
  const std::string expires = in_seconds(60);
  const std::string url = good();
  const std::string signature = url.substr(url.rfind('=') + 1);
  std::string changed = url;
  changed[1] = 'F';
  std::string longer_life = url;
  longer_life.replace(longer_life.find("expires=") + 8, 1, "9");
  const std::string kHostile[] = {
      "/film.mp4",
      "/film.mp4?",
      "/film.mp4?signature=" + signature,
      "/film.mp4?expires=" + expires + "&key=new",
      "/film.mp4?expires=" + expires + "&key=new&signature=",
      "/film.mp4?expires=" + expires + "&key=new&signature",
      changed,
      longer_life,
      "/" + url,
      url + "x",
      url + "=",
      url.substr(0, url.size() - 1),
      url + "&size=2",
      url + "&expires=" + in_seconds(600),
      url + "&signature=" + signature,
      url + "&%73ize=2",
      "/film.mp4?size=2&" + url.substr(10),
      "/film.mp4%3f" + url.substr(10),
      "/film.mp4;x?" + url.substr(10),
      sign("/a?expires=" + in_seconds(-1) + "&key=new"),
      sign("/a?expires=0&key=new"),
      sign("/a?expires=-5&key=new"),
      sign("/a?expires=&key=new"),
      sign("/a?expires=99999999999999999999&key=new"),
      sign("/a?expires=" + expires + "x&key=new"),
      sign("/a?expires=1&expires=" + expires + "&key=new"),
      sign("/a?key=new"),
      sign("/a?expires=" + expires),
      sign("/a?expires=" + expires + "&key=gone"),
      sign("/a?expires=" + expires + "&key=old"),
      sign("/a?expires=" + expires + "&key=new", ""),
  };
  for (const auto& target : kHostile) {
    const auto response = edge.get(target);
    EXPECT_EQ(response.status, 403) << target;
    EXPECT_EQ(response.fields.get("cache-control"), "no-store");
  }
  http::Request post{.method = "POST", .authority = "shop.example", .target = url};
  EXPECT_EQ(edge.send(std::move(post)).status, 403);
  EXPECT_EQ(edge.fetches(), 0u);
}

TEST(SignedUrls, NeedKeysThatAreLongEnough) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"signed_urls = {}", "needs 'keys'"},
      {"signed_urls = { keys = { a = \"short\" } }", "at least 16 bytes"},
      {"signed_urls = { keys = { a = { env = \"CUSP_TEST_NOT_SET\" } } }", "is not set"},
      {"signed_urls = { keys = { a = { } } }", "a secret is"},
      {"signed_urls = { keys = { a = 7 } }", "table"},
      {"signed_urls = { kyes = {} }", "did you mean 'keys'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
