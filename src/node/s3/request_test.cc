#include "node/s3/request.h"

#include <gtest/gtest.h>

#include "node/s3/conditions.h"

namespace cusp::node::s3 {

namespace {

Answer<Target> parse(std::string target, std::string authority = "s3.example:9000") {
  http::Request request;
  request.target = std::move(target);
  request.authority = std::move(authority);
  return parse_target(request, "s3.example");
}

TEST(S3Target, HasItsBucketInThePathOrTheHost) {
  const auto path = parse("/app.store/a%20b/c?x=1&uploads&a=%26");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->bucket, "app.store");
  EXPECT_EQ(path->key, "a b/c");
  EXPECT_EQ(path->query, (Query{{"a", "&"}, {"uploads", ""}, {"x", "1"}}));
  EXPECT_TRUE(path->has("uploads"));
  EXPECT_EQ(path->get("y"), "");
  const auto host = parse("/a/b", "app.store.s3.example");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->bucket, "app.store");
  EXPECT_EQ(host->key, "a/b");
  EXPECT_EQ(parse("/a/b", "others3.example")->bucket, "a");
  EXPECT_EQ(parse("/a//b/")->key, "/b/");
  EXPECT_EQ(parse("/")->bucket, "");
}

TEST(S3Target, WithABrokenEscapeIsRefused) {
  for (const char* target : {"/%", "/%4", "/%zz", "/a?%", "/a?b=%1", "*", "", "a/b"}) {
    EXPECT_FALSE(parse(target)) << target;
  }
  std::string many = "/a?";
  for (int at = 0; at < 200; ++at) many += "x&";
  EXPECT_FALSE(parse(many));
}

TEST(S3Conditions, OfEntityTagsCountBeforeThoseOfDates) {
  using std::chrono::sys_days;
  using namespace std::chrono_literals;
  const store::object::Head head{.etag = "abc", .modified = sys_days(2024y / 1 / 1)};
  const auto met = [&](std::initializer_list<http::Fields::Field> given) {
    http::Fields fields;
    for (const auto& field : given) fields.add(field.name, field.value);
    return check_read(fields, "", head);
  };
  constexpr std::string_view kBefore = "Sun, 31 Dec 2023 00:00:00 GMT";
  constexpr std::string_view kAfter = "Tue, 02 Jan 2024 00:00:00 GMT";
  EXPECT_EQ(met({}), Met::kYes);
  EXPECT_EQ(met({{"if-match", "\"x\", \"abc\""}}), Met::kYes);
  EXPECT_EQ(met({{"if-match", "abc"}}), Met::kYes);
  EXPECT_EQ(met({{"if-match", "\"ab\""}}), Met::kNo);
  EXPECT_EQ(met({{"if-match", "*"}, {"if-unmodified-since", kBefore}}), Met::kYes);
  EXPECT_EQ(met({{"if-unmodified-since", kBefore}}), Met::kNo);
  EXPECT_EQ(met({{"if-none-match", "W/\"abc\""}}), Met::kNotModified);
  EXPECT_EQ(met({{"if-none-match", "\"x\""}, {"if-modified-since", kAfter}}), Met::kYes);
  EXPECT_EQ(met({{"if-modified-since", kAfter}}), Met::kNotModified);
  EXPECT_EQ(met({{"if-modified-since", "yesterday"}}), Met::kYes);
}

}  // namespace

}  // namespace cusp::node::s3
