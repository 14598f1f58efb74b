#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/cache/cache.h"
#include "edge/compression/test_decoding.h"
#include "edge/test_edge.h"

// `compression` and `cache` together: what is stored is compressed once.
namespace cusp::edge {
namespace {

using namespace testing;
using Fields = std::vector<std::pair<std::string, std::string>>;

std::string text_of(int version) {
  std::string text;
  while (text.size() < 200'000)
    text += fmt::format("<p>{} of version {}</p>", text.size(), version);
  return text;
}

class StoredEncodings : public ::testing::Test {
 protected:
  StoredEncodings() {
    auto opened = cache::Cache::open({.clock = [this] { return now_; }});
    EXPECT_TRUE(opened);
    cache_ = std::move(*opened);
    make_edge("compression = true\ncache = true");
  }

  void make_edge(std::string_view features) {
    edge_.emplace(
        features, [this](http::Request& request) { return respond(request); },
        FeatureContext{.directory = folder_.string(), .app = "shop", .cache = cache_.get()});
  }

  http::Response respond(http::Request& request) const {
    const std::string tag = fmt::format("\"v{}\"", version_);
    http::Response response;
    response.fields.add("cache-control", "max-age=60");
    response.fields.add("etag", tag);
    if (request.fields.get("if-none-match") == tag) {
      response.status = 304;
      return response;
    }
    response.status = status_;
    response.fields.add("content-type", "text/html");
    response.body = http::make_body(text_of(version_));
    return response;
  }

  struct Got {
    http::Response response;
    std::string bytes;
    bool kept;  // the bytes were there already: their number was known
    std::string field(std::string_view name) const {
      return std::string(response.fields.get(name).value_or(""));
    }
  };
  Got get(Fields fields) {
    Got got{.response = edge_->get("/", std::move(fields)), .bytes = {}, .kept = false};
    got.kept = got.response.body && got.response.body->size().has_value();
    got.bytes = edge_->text(got.response);
    return got;
  }
  Got get(const char* accept_encoding) { return get({{"accept-encoding", accept_encoding}}); }

  cache::Time now_ = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
  int version_ = 1;
  uint16_t status_ = 200;
  const std::filesystem::path folder_ = ::testing::TempDir();
  std::unique_ptr<cache::Cache> cache_;
  std::optional<TestEdge> edge_;
};

TEST_F(StoredEncodings, AreMadeOnceForEachEncoding) {
  for (const char* encoding : {"gzip", "br", "zstd"}) {
    get(encoding);  // the miss, or the hit that compresses
    get(encoding);
    const Got got = get(encoding);
    EXPECT_TRUE(got.kept) << encoding;
    EXPECT_EQ(got.field("content-encoding"), encoding);
    EXPECT_EQ(got.field("vary"), "accept-encoding");
    EXPECT_EQ(got.field("etag"), "W/\"v1\"");
    EXPECT_LT(got.bytes.size(), 100'000u);
    EXPECT_TRUE(decode(got.response, got.bytes) == text_of(1)) << encoding;
  }
  const Got plain = get("identity");
  EXPECT_TRUE(plain.bytes == text_of(1));
  EXPECT_EQ(plain.field("content-encoding"), "");
  EXPECT_EQ(plain.field("etag"), "\"v1\"");
  EXPECT_EQ(edge_->fetches(), 1u);
  EXPECT_EQ(cache_->stats().memory_objects, 4u);
}

TEST_F(StoredEncodings, GoWithWhatTheyWereMadeOf) {
  for (int i = 0; i < 3; ++i) get("gzip");
  ASSERT_TRUE(get("gzip").kept);
  EXPECT_EQ(cache_->purge({.what = cache::Purge::What::kEverything}), 1u) << "one response";
  EXPECT_EQ(cache_->stats().memory_objects, 0u);
  EXPECT_EQ(cache_->stats().memory_bytes, 0u);
  version_ = 2;
  const Got got = get("gzip");
  EXPECT_TRUE(decode(got.response, got.bytes) == text_of(2));
}

TEST_F(StoredEncodings, AreNeverThoseOfOlderBytes) {
  for (int i = 0; i < 3; ++i) get("gzip");
  version_ = 2;
  now_ += std::chrono::seconds(70);
  for (int i = 0; i < 3; ++i) {
    const Got got = get("gzip");
    EXPECT_TRUE(decode(got.response, got.bytes) == text_of(2)) << i;
    EXPECT_EQ(got.field("etag"), "W/\"v2\"");
  }
  EXPECT_EQ(cache_->stats().memory_objects, 2u) << "the older form is gone";
}

TEST_F(StoredEncodings, OutlastAValidationOfTheSameBytes) {
  for (int i = 0; i < 3; ++i) get("gzip");
  now_ += std::chrono::seconds(70);
  get("gzip");
  EXPECT_EQ(edge_->fetches(), 2u);
  EXPECT_TRUE(get("gzip").kept);
}

TEST_F(StoredEncodings, AreNotMadeOfHalfABody) {
  get("gzip");
  {
    const http::Response dropped = edge_->get("/", {{"accept-encoding", "gzip"}});
  }
  EXPECT_EQ(cache_->stats().memory_objects, 1u);
  EXPECT_FALSE(get("gzip").kept);
  EXPECT_TRUE(get("gzip").kept);
}

TEST_F(StoredEncodings, RangesAreOfThePlainBytes) {
  for (int i = 0; i < 3; ++i) get("gzip");
  const Got part = get({{"accept-encoding", "gzip"}, {"range", "bytes=10-19"}});
  EXPECT_EQ(part.response.status, 206);
  EXPECT_EQ(part.bytes, text_of(1).substr(10, 10));
  EXPECT_EQ(part.field("content-encoding"), "");
  EXPECT_EQ(part.field("etag"), "\"v1\"");
  // A compressed response has only a weak tag, which is no base for a range.
  const Got whole =
      get({{"accept-encoding", "gzip"}, {"range", "bytes=10-19"}, {"if-range", "W/\"v1\""}});
  EXPECT_EQ(whole.response.status, 200);
  EXPECT_TRUE(decode(whole.response, whole.bytes) == text_of(1));
}

TEST_F(StoredEncodings, ANotModifiedHasTheTagThatItsResponseHad) {
  get("gzip");
  const Got compressed = get({{"accept-encoding", "gzip"}, {"if-none-match", "W/\"v1\""}});
  EXPECT_EQ(compressed.response.status, 304);
  EXPECT_EQ(compressed.field("etag"), "W/\"v1\"");
  EXPECT_EQ(compressed.field("vary"), "accept-encoding");
  const Got plain = get({{"accept-encoding", "identity"}, {"if-none-match", "\"v1\""}});
  EXPECT_EQ(plain.response.status, 304);
  EXPECT_EQ(plain.field("etag"), "\"v1\"");
  EXPECT_EQ(plain.field("vary"), "accept-encoding");
}

TEST_F(StoredEncodings, APageInPlaceOfAStoredErrorIsNotTakenForIt) {
  std::ofstream(folder_ / "stored-404.html") << std::string(5000, 'p');
  make_edge(
      "compression = true\ncache = { status_ttl = { 404 = \"60s\" } }\n"
      "error_pages = { 404 = \"stored-404.html\" }");
  status_ = 404;
  for (int i = 0; i < 3; ++i) {
    const Got page = get({{"accept-encoding", "gzip"}, {"accept", "text/html"}});
    EXPECT_EQ(decode(page.response, page.bytes), std::string(5000, 'p'));
    const Got own = get({{"accept-encoding", "gzip"}, {"accept", "*/*"}});
    EXPECT_TRUE(decode(own.response, own.bytes) == text_of(1));
  }
  EXPECT_EQ(edge_->fetches(), 1u);
}

}  // namespace
}  // namespace cusp::edge
