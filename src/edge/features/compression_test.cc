#include <gtest/gtest.h>

#include "edge/compression/encoding.h"
#include "edge/compression/test_decoding.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

std::string page_of(size_t bytes) {
  std::string page;
  while (page.size() < bytes) page += fmt::format("<p>line {}</p>\n", page.size());
  return page;
}

http::Response page(std::vector<std::pair<std::string, std::string>> fields = {},
                    uint16_t status = 200) {
  http::Response response{.status = status};
  response.fields.add("content-type", "text/html; charset=utf-8");
  response.fields.add("etag", "\"v1\"");
  for (const auto& [name, value] : fields) response.fields.set(name, value);
  response.body = http::make_body(page_of(300'000));
  return response;
}

// Parts that come one by one; between two, the reader would have to wait.
class SlowBody final : public http::Body {
 public:
  explicit SlowBody(std::vector<std::string> parts) : parts_(std::move(parts)) {}
  io::Task<Result<http::BodyPart>> read() override {
    http::BodyPart part{.data = parts_[at_++], .end = at_ == parts_.size()};
    if (part.end) {
      part.trailers.emplace();
      part.trailers->add("checksum", "7");
    }
    co_return part;
  }
  bool ready() override { return false; }

 private:
  const std::vector<std::string> parts_;
  size_t at_ = 0;
};

TEST(Compression, TheEncodingThatTheClientLikesBestIsUsed) {
  TestEdge edge("compression = true", [](http::Request&) { return page(); });
  const std::pair<const char*, const char*> kCases[] = {
      {"gzip, deflate, br, zstd", "zstd"},
      {"gzip, deflate, br", "br"},
      {"gzip, deflate", "gzip"},
      {"br;q=0.5, gzip;q=0.8", "gzip"},
      {"*", "zstd"},
      {"*;q=0", ""},
      {"identity", ""},
      {"gzip;q=0", ""},
      {"gzip;q=0.000", ""},
      {"gzip;q=0.001", "gzip"},
      {"", ""},
      {"deflate, compress", ""},
  };
  for (const auto& [accept, expected] : kCases) {
    auto response = edge.get("/", {{"accept-encoding", accept}});
    EXPECT_EQ(response.fields.get("content-encoding").value_or(""), expected) << accept;
    EXPECT_EQ(response.fields.get("vary"), "accept-encoding") << accept;
    const std::string text = edge.text(response);
    EXPECT_TRUE(decode(response, text) == page_of(300'000)) << accept;
    if (*expected != 0) EXPECT_LT(text.size(), 100'000u) << accept;
  }
}

TEST(Compression, TheTagIsWeakAndTheLengthAndTheRangesAreGone) {
  TestEdge edge("compression = true", [](http::Request&) {
    return page({{"content-length", "300000"}, {"accept-ranges", "bytes"}});
  });
  const auto response = edge.get("/", {{"accept-encoding", "gzip"}});
  EXPECT_EQ(response.fields.get("etag"), "W/\"v1\"");
  EXPECT_FALSE(response.fields.get("content-length"));
  EXPECT_FALSE(response.fields.get("accept-ranges"));
  EXPECT_FALSE(response.body->size());
  EXPECT_EQ(edge.get("/").fields.get("etag"), "\"v1\"");
}

TEST(Compression, WhatMustNotChangeIsLeftAlone) {
  using FieldList = std::vector<std::pair<std::string, std::string>>;
  const std::pair<FieldList, uint16_t> kCases[] = {
      {{{"cache-control", "max-age=60, No-Transform"}}, 200},
      {{{"content-encoding", "br"}}, 200},
      {{{"content-range", "bytes 0-9/10"}}, 206},
      {{}, 206},
      {{{"content-digest", "sha-256=:AA==:"}}, 200},
      {{{"content-type", "image/png"}}, 200},
      {{{"content-type", "application/octet-stream"}}, 200},
      {{{"content-type", ""}}, 200},
      {{{"content-type", "x/text/html"}}, 200},
  };
  for (const auto& [fields, status] : kCases) {
    TestEdge edge("compression = true", [&](http::Request&) { return page(fields, status); });
    const auto response = edge.get("/", {{"accept-encoding", "gzip"}});
    EXPECT_NE(response.fields.get("content-encoding").value_or(""), "gzip")
        << (fields.empty() ? "206" : fields[0].first);
    EXPECT_EQ(response.fields.get("etag"), "\"v1\"");
    EXPECT_FALSE(response.fields.get("vary"));
  }
  TestEdge edge("compression = true", [](http::Request&) { return page(); });
  EXPECT_FALSE(edge.get("/", {{"accept-encoding", "gzip"}, {"cache-control", "no-transform"}})
                   .fields.get("content-encoding"));
}

TEST(Compression, ShortBodiesAreNotWorthIt) {
  TestEdge edge("compression = { minimum = \"10B\" }", [](http::Request& request) {
    return http::text_response(200, request.target == "/long" ? "0123456789" : "012345678");
  });
  EXPECT_FALSE(edge.get("/short", {{"accept-encoding", "gzip"}}).fields.get("content-encoding"));
  EXPECT_TRUE(edge.get("/long", {{"accept-encoding", "gzip"}}).fields.get("content-encoding"));
}

TEST(Compression, EachPartCanBeReadWhenItHasCome) {
  for (const char* encoding : {"gzip", "br", "zstd"}) {
    TestEdge edge("compression = true", [](http::Request&) {
      http::Response response;
      response.fields.add("content-type", "text/event-stream");
      response.body = std::make_unique<SlowBody>(
          std::vector<std::string>{"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"});
      return response;
    });
    auto response = edge.get("/", {{"accept-encoding", encoding}});
    EXPECT_EQ(response.fields.get("content-encoding"), encoding);
    std::string sent;
    for (int i = 1; i <= 3; ++i) {
      const auto part = edge.run(response.body->read());
      ASSERT_TRUE(part);
      sent += part->data;
      EXPECT_TRUE(decode(response, sent).ends_with(fmt::format("data: {}\n\n", i))) << encoding;
      EXPECT_EQ(part->end, i == 3);
      if (part->end) EXPECT_EQ(part->trailers->get("checksum"), "7");
    }
  }
}

TEST(Compression, WhatCannotBeCompressedComesInPartsThatAreSmallEnough) {
  std::string noise(200'000, '\0');
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  for (const char* encoding : {"gzip", "br", "zstd"}) {
    TestEdge edge("compression = true", [&](http::Request&) {
      http::Response response = page();
      response.body = http::make_body(noise);
      return response;
    });
    auto response = edge.get("/", {{"accept-encoding", encoding}});
    std::string text;
    for (bool end = false; !end;) {
      const auto part = edge.run(response.body->read());
      ASSERT_TRUE(part);
      EXPECT_LE(part->data.size(), limits::kBodyChunkBytes);
      text += part->data;
      end = part->end;
    }
    EXPECT_TRUE(decode(response, text) == noise) << encoding;
  }
}

TEST(Compression, AnOriginThatBreaksOffBreaksOffHereToo) {
  class BrokenBody final : public http::Body {
   public:
    io::Task<Result<http::BodyPart>> read() override {
      if (std::exchange(began_, true)) co_return fail(ErrorCode::kUnavailable, "gone");
      co_return http::BodyPart{.data = "begun"};
    }
    bool ready() override { return false; }

   private:
    bool began_ = false;
  };
  TestEdge edge("compression = true", [](http::Request&) {
    http::Response response = page();
    response.body = std::make_unique<BrokenBody>();
    return response;
  });
  auto response = edge.get("/", {{"accept-encoding", "gzip"}});
  EXPECT_TRUE(edge.text(response).ends_with(" (broken off)"));
}

TEST(Compression, HostileAcceptEncodingIsReadInBoundedTime) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "br;q=0.1,";
  const std::string kHostile[] = {
      many,     std::string(60'000, ','), "gzip;q=1.0001", "gzip;q=-1", "gzip;q=",
      "gzip;;", "gzip;q=0.5;q=1",         "gz\"ip",        ";q=1",      "gzip;q=1e9"};
  for (const auto& accept : kHostile) {
    const std::vector<Encoding> offered = {Encoding::kGzip};
    EXPECT_EQ(negotiate(accept, offered), Encoding::kIdentity) << accept.substr(0, 20);
  }
}

TEST(Compression, RefusesWhatItCannotDo) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"compression = { encodings = [\"deflate\"] }", "none of the encodings"},
      {"compression = { encodings = [] }", "at least one"},
      {"compression = { minimum = 7 }", "string"},
      {"compression = { levels = { gzip = 10 } }", "9"},
      {"compression = { level = 1 }", "did you mean 'levels'"},
      {"compression = \"gzip\"", "table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
