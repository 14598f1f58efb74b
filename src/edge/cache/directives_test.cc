#include "edge/cache/directives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

using ::testing::ElementsAre;

http::Fields fields_with(std::string_view name, std::initializer_list<std::string_view> values) {
  http::Fields fields;
  for (const auto value : values) fields.add(name, value);
  return fields;
}

Directives parse(std::initializer_list<std::string_view> values) {
  return parse_cache_control(fields_with("cache-control", values));
}

TEST(CacheControl, DirectivesAreReadInAnyCaseAndFromAllLines) {
  const auto directives = parse({"MaX-aGe=3600, foo, No-StOrE", "s-maxage=60 ,, public"});
  EXPECT_EQ(directives.max_age, Seconds(3600));
  EXPECT_EQ(directives.s_maxage, Seconds(60));
  EXPECT_TRUE(directives.no_store);
  EXPECT_TRUE(directives.is_public);
  EXPECT_FALSE(directives.no_cache);
}

TEST(CacheControl, FieldListsAreNotTheWholeResponse) {
  const auto directives = parse({"no-cache=\"Set-Cookie, A\", private=b"});
  EXPECT_FALSE(directives.no_cache);
  EXPECT_THAT(directives.no_cache_fields, ElementsAre("set-cookie", "a"));
  EXPECT_FALSE(directives.is_private);
  EXPECT_THAT(directives.private_fields, ElementsAre("b"));
  EXPECT_TRUE(parse({"private=\"\""}).is_private);
}

TEST(CacheControl, QuotedTextHidesNoDirective) {
  EXPECT_EQ(parse({"extension=\"max-age=3600\", max-age=1"}).max_age, Seconds(1));
  EXPECT_EQ(parse({"max-age=1, extension=\"max-age=3600\""}).max_age, Seconds(1));
  EXPECT_FALSE(parse({"x=\"a\\\", no-store\""}).no_store);
  EXPECT_TRUE(parse({"x=\"a\", no-store"}).no_store);
}

TEST(CacheControl, MistakesMakeStaleAndNeverFresh) {
  const std::pair<const char*, Seconds> cases[] = {
      {"max-age=\"3600\"", Seconds(3600)},
      {"max-age='3600'", Seconds(0)},
      {"max-age=-1", Seconds(0)},
      {"max-age=", Seconds(0)},
      {"max-age", Seconds(0)},
      {"max-age=1e9", Seconds(0)},
      {"max-age=3600.5", Seconds(0)},
      {"max-age= 60", Seconds(0)},
      {"max-age=0x10", Seconds(0)},
      {"max-age=003600", Seconds(3600)},
      {"max-age=60, max-age=1", Seconds(1)},
      {"max-age=1, max-age=60", Seconds(1)},
      {"max-age=99999999999", kDeltaMax},
      {"max-age=99999999999999999999999", kDeltaMax},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(parse({text}).max_age, expected) << text;
  EXPECT_FALSE(parse({"max-age =60"}).max_age);
  EXPECT_FALSE(parse({"\"max-age=60"}).max_age);
}

TEST(RequestDirectives, PragmaCountsWithoutCacheControlOnly) {
  auto fields = fields_with("pragma", {"foo, No-Cache"});
  EXPECT_TRUE(parse_request_directives(fields).no_cache);
  fields.add("cache-control", "max-stale");
  EXPECT_FALSE(parse_request_directives(fields).no_cache);
  EXPECT_EQ(parse_request_directives(fields).max_stale, kDeltaMax);
}

std::optional<Directives> targeted(std::string_view value) {
  return parse_targeted(fields_with("cdn-cache-control", {value}), "cdn-cache-control");
}

TEST(TargetedFields, AreDictionariesOfStructuredFields) {
  const auto directives =
      targeted("max-age=60, must-revalidate, private=\"a\", x=(1 2);y, no-store=?0");
  ASSERT_TRUE(directives);
  EXPECT_EQ(directives->max_age, Seconds(60));
  EXPECT_TRUE(directives->must_revalidate);
  EXPECT_FALSE(directives->no_store);
  EXPECT_THAT(directives->private_fields, ElementsAre("a"));
}

TEST(TargetedFields, OneThatIsNotValidCountsNotAtAll) {
  for (const char* text : {"", "max-age=10000, &&&&", "max-age=\"10\"", "max-age=1.5", "max-age=-1",
                           "MaX-aGe=60", "max-age =60", "max-age= 60", "max-age=60,", "max-age",
                           "max-age=1 no-store", "max-age=9999999999999999"}) {
    EXPECT_FALSE(targeted(text)) << text;
  }
  EXPECT_FALSE(parse_targeted(http::Fields(), "cdn-cache-control"));
}

TEST(SurrogateControl, IsForEverybodyOrForTheDeviceThatItNames) {
  const auto parsed = [](std::string_view value) {
    return parse_surrogate_control(fields_with("surrogate-control", {value}), "cusp");
  };
  EXPECT_EQ(parsed("foobar, MaX-aGe=3600")->max_age, Seconds(3600));
  EXPECT_EQ(parsed("max-age=3600;cusp, max-age=1;other")->max_age, Seconds(3600));
  EXPECT_FALSE(parsed("max-age=3600;not-for-you"));
  EXPECT_FALSE(parsed("content=\"ESI/1.0\""));
}

}  // namespace

}  // namespace cusp::edge::cache
