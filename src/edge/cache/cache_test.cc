#include "edge/cache/cache.h"

#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

using testing::CacheTest;
using testing::FieldList;
using testing::make_response;

using namespace std::chrono_literals;

TEST_F(CacheTest, AFreshResponseIsReusedWithItsAge) {
  answers(200, {{"cache-control", "max-age=60"}, {"x-a", "1"}});
  EXPECT_EQ(get().status.forward, Status::Forward::kUriMiss);
  pass_time(7s);
  const auto got = get();
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.status.ttl, Seconds(53));
  EXPECT_EQ(got.field("age"), "7");
  EXPECT_EQ(got.field("x-a"), "1");
  EXPECT_EQ(got.body, "body");
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(CacheTest, TryHitAnswersWithoutACoroutineOnlyWhatIsFresh) {
  answers(200, {{"cache-control", "max-age=60"}});
  auto request = testing::make_request();
  Status status;
  EXPECT_FALSE(cache->try_hit(request, policy, status));
  get();
  auto response = cache->try_hit(request, policy, status);
  ASSERT_TRUE(response);
  EXPECT_TRUE(status.hit);
  auto part = response->body->try_read();
  ASSERT_TRUE(part && *part);
  EXPECT_EQ((*part)->bytes(), "body");
  EXPECT_TRUE((*part)->end);
  pass_time(61s);
  EXPECT_FALSE(cache->try_hit(request, policy, status));
}

TEST_F(CacheTest, AStaleResponseIsValidatedAndFreshened) {
  answers([](http::Request& request) {
    if (request.fields.get("if-none-match") == "\"v1\"") {
      return make_response(304, {{"cache-control", "max-age=60"}, {"x-b", "2"}}, "");
    }
    return make_response(200, {{"cache-control", "max-age=10"}, {"etag", "\"v1\""}, {"x-b", "1"}});
  });
  get();
  pass_time(11s);
  const auto validated = get();
  EXPECT_EQ(validated.status.forward, Status::Forward::kStale);
  EXPECT_EQ(validated.status.forward_status, 304);
  EXPECT_EQ(validated.response.status, 200);
  EXPECT_EQ(validated.body, "body");
  EXPECT_EQ(validated.field("x-b"), "2");
  pass_time(50s);
  EXPECT_TRUE(get().status.hit);
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(CacheTest, ConditionsOfClientsAreAnsweredHereAndNotPassedOn) {
  answers(200, {{"cache-control", "max-age=60"}, {"etag", "\"v1\""}});
  EXPECT_EQ(get({{"if-none-match", "\"v1\""}}).response.status, 304);
  EXPECT_FALSE(origin->last_fields.get("if-none-match"));
  EXPECT_EQ(get({{"if-none-match", "\"v0\", W/\"v1\""}}).response.status, 304);
  EXPECT_EQ(get({{"if-none-match", "\"v0\""}}).response.status, 200);
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(CacheTest, VariantsAreKeptBesideEachOther) {
  answers([](http::Request& request) {
    const std::string language(request.fields.get("accept-language").value_or("none"));
    return make_response(200, {{"cache-control", "max-age=60"}, {"vary", "Accept-Language"}},
                         language);
  });
  EXPECT_EQ(get({{"accept-language", "de"}}).body, "de");
  EXPECT_EQ(get({{"accept-language", "en"}}).body, "en");
  EXPECT_EQ(get().body, "none");
  const auto again = get({{"accept-language", "DE"}});
  EXPECT_TRUE(again.status.hit);
  EXPECT_EQ(again.body, "de");
  EXPECT_EQ(get({{"accept-language", "fr"}}).status.forward, Status::Forward::kVaryMiss);
}

TEST_F(CacheTest, RangesAreCutFromAStoredWhole) {
  answers(200, {{"cache-control", "max-age=60"}, {"etag", "\"v1\""}, {"content-type", "text/x"}},
          "0123456789");
  get();
  const auto one = get({{"range", "bytes=2-4"}});
  EXPECT_EQ(one.response.status, 206);
  EXPECT_EQ(one.body, "234");
  EXPECT_EQ(one.field("content-range"), "bytes 2-4/10");
  const auto two = get({{"range", "bytes=0-0,-2"}});
  EXPECT_EQ(two.response.status, 206);
  EXPECT_NE(two.body->find("content-range: bytes 8-9/10\r\n\r\n89\r\n--"), std::string::npos);
  const auto none = get({{"range", "bytes=10-"}});
  EXPECT_EQ(none.response.status, 416);
  EXPECT_EQ(none.field("content-range"), "bytes */10");
  EXPECT_EQ(get({{"range", "bytes=0-1"}, {"if-range", "\"v0\""}}).response.status, 200);
  EXPECT_EQ(get({{"range", "bytes=0-1"}, {"if-range", "\"v1\""}}).response.status, 206);
  EXPECT_EQ(get({{"range", "bytes=0-,0-,0-,0-"}}).response.status, 200);
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(CacheTest, APartIsStoredAndCompleted) {
  answers([](http::Request& request) {
    const auto range = request.fields.get("range");
    if (range == "bytes=0-4") {
      return make_response(
          206,
          {{"cache-control", "max-age=60"}, {"etag", "\"v1\""}, {"content-range", "bytes 0-4/10"}},
          "01234");
    }
    EXPECT_EQ(range, "bytes=5-");
    EXPECT_EQ(request.fields.get("if-range"), "\"v1\"");
    return make_response(
        206,
        {{"cache-control", "max-age=60"}, {"etag", "\"v1\""}, {"content-range", "bytes 5-9/10"}},
        "56789");
  });
  EXPECT_EQ(get({{"range", "bytes=0-4"}}).body, "01234");
  const auto inner = get({{"range", "bytes=1-2"}});
  EXPECT_TRUE(inner.status.hit);
  EXPECT_EQ(inner.body, "12");
  const auto whole = get();
  EXPECT_EQ(whole.status.forward, Status::Forward::kPartial);
  EXPECT_EQ(whole.response.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  EXPECT_TRUE(get().status.hit);
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(CacheTest, StaleWhileRevalidateAnswersAtOnceAndAsksOnce) {
  int version = 0;
  answers([&](http::Request&) {
    return make_response(200, {{"cache-control", "max-age=10, stale-while-revalidate=60"}},
                         "v" + std::to_string(++version));
  });
  get();
  pass_time(20s);
  const auto stale = get();
  EXPECT_TRUE(stale.status.hit);
  EXPECT_LT(*stale.status.ttl, Seconds(0));
  EXPECT_EQ(stale.body, "v1");
  EXPECT_EQ(origin->requests, 2);
  EXPECT_EQ(get().body, "v2");
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(CacheTest, StaleIfErrorStandsInUnlessMustRevalidate) {
  for (const bool must : {false, true}) {
    open({});
    const std::string directives =
        must ? "max-age=10, must-revalidate, stale-if-error=60" : "max-age=10, stale-if-error=60";
    answers(200, {{"cache-control", directives}});
    get();
    pass_time(20s);
    answers(503, {}, "down");
    const auto got = get();
    EXPECT_EQ(got.response.status, must ? 503 : 200);
    EXPECT_EQ(got.body, must ? "down" : "body");
    if (!must) EXPECT_EQ(got.status.forward_status, 503);
  }
}

TEST_F(CacheTest, WhatMustNotBeStoredIsNot) {
  const std::vector<std::pair<FieldList, FieldList>> cases = {
      {{}, {{"cache-control", "no-store"}}},
      {{}, {{"cache-control", "private, max-age=60"}}},
      {{}, {{"cache-control", "max-age=60"}, {"vary", "*"}}},
      {{}, {{"cache-control", "max-age=60, must-understand"}, {":status", "599"}}},
      {{{"authorization", "x"}}, {{"cache-control", "max-age=60"}}},
      {{{"cache-control", "no-store"}}, {{"cache-control", "max-age=60"}}},
      {{}, {{"set-cookie", "a=b"}, {"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"}}},
      {{}, {{"cdn-cache-control", "no-store"}, {"cache-control", "max-age=60"}}},
      {{}, {}},
  };
  for (const auto& [asked, answered] : cases) {
    open({});
    answers([&](http::Request&) {
      FieldList fields = answered;
      uint16_t status = 200;
      if (!fields.empty() && fields.back().first == ":status") {
        status = 599;
        fields.pop_back();
      }
      return make_response(status, fields);
    });
    get(asked);
    EXPECT_EQ(cache->stats().stored, 0U);
    EXPECT_FALSE(get().status.hit);
    EXPECT_EQ(origin->requests, 2);
  }
}

TEST_F(CacheTest, ASuccessfulPostInvalidatesTheUrlAndWhatItNames) {
  answers([](http::Request& request) {
    if (request.method == "POST")
      return make_response(201,
                           {{"location", "/b"}, {"content-location", "https://evil.example/c"}});
    return make_response(200, {{"cache-control", "max-age=60"}});
  });
  get({}, "/a");
  get({}, "/b");
  get({}, "/c");
  send(request_with({}, "POST", "/a"));
  EXPECT_FALSE(get({}, "/a").status.hit);
  EXPECT_FALSE(get({}, "/b").status.hit);
  EXPECT_TRUE(get({}, "/c").status.hit);
}

TEST_F(CacheTest, AFailedPostInvalidatesNothing) {
  answers([](http::Request& request) {
    if (request.method == "POST") return make_response(500, {});
    return make_response(200, {{"cache-control", "max-age=60"}});
  });
  get();
  send(request_with({}, "POST"));
  EXPECT_TRUE(get().status.hit);
}

TEST_F(CacheTest, APostThatSaysSoIsStoredForGet) {
  answers(200, {{"cache-control", "max-age=60"}, {"content-location", "/a"}}, "posted");
  send(request_with({}, "POST"));
  const auto got = get();
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.body, "posted");
}

TEST_F(CacheTest, HeadIsAnsweredFromAStoredGetAndTellsNewsOfAStaleOne) {
  answers(200, {{"cache-control", "max-age=10"}, {"etag", "\"v1\""}});
  get();
  EXPECT_TRUE(send(request_with({}, "HEAD")).status.hit);
  pass_time(11s);
  EXPECT_FALSE(send(request_with({}, "HEAD")).status.hit);
  EXPECT_EQ(origin->last_method, "HEAD");
  EXPECT_TRUE(get().status.hit);
  pass_time(11s);
  answers(200, {{"cache-control", "max-age=10"}, {"etag", "\"v2\""}});
  send(request_with({}, "HEAD"));
  EXPECT_FALSE(get().status.hit);
}

TEST_F(CacheTest, OnlyIfCachedNeverAsksTheOrigin) {
  answers(200, {{"cache-control", "max-age=60"}});
  EXPECT_EQ(get({{"cache-control", "only-if-cached"}}).response.status, 504);
  EXPECT_EQ(origin->requests, 0);
  get();
  EXPECT_EQ(get({{"cache-control", "only-if-cached"}}).response.status, 200);
}

TEST_F(CacheTest, WhatIsNotInTheKeyDoesNotReachTheOrigin) {
  policy.query_ignore = {"utm_*"};
  policy.query_sort = true;
  answers(200, {{"cache-control", "max-age=60"}});
  get({{"x-forwarded-host", "evil.example"}}, "/a?b=2&utm_source=x&a=1");
  EXPECT_EQ(origin->last_target, "/a?a=1&b=2");
  EXPECT_FALSE(origin->last_fields.get("x-forwarded-host"));
  EXPECT_TRUE(get({}, "/a?a=1&b=2&utm_medium=y").status.hit);
  EXPECT_FALSE(get({}, "/a?a=1&b=3").status.hit);
}

TEST_F(CacheTest, PurgesByTagPrefixUrlAndEverythingTellHowMany) {
  answers([](http::Request& request) {
    return make_response(200, {{"cache-control", "max-age=60"},
                               {"surrogate-key", "all page" + request.target.substr(1)},
                               {"cache-tag", "x, y"}});
  });
  const auto fill = [&] {
    for (const char* target : {"/1", "/2", "/3"}) get({}, target);
  };
  fill();
  EXPECT_EQ(cache->purge({.what = Purge::What::kTag, .value = "page2"}), 1U);
  EXPECT_FALSE(get({}, "/2").status.hit);
  EXPECT_EQ(cache->purge({.what = Purge::What::kTag, .value = "y"}), 3U);
  fill();
  EXPECT_EQ(cache->purge({.what = Purge::What::kUrl, .value = "https://example.com/1"}), 1U);
  EXPECT_EQ(cache->purge({.what = Purge::What::kPrefix, .value = "https://example.com/"}), 2U);
  fill();
  EXPECT_EQ(cache->purge({.what = Purge::What::kEverything, .name_space = "other"}), 0U);
  EXPECT_EQ(cache->purge({.what = Purge::What::kEverything}), 3U);
  EXPECT_EQ(cache->stats().memory_objects, 0U);
  EXPECT_EQ(cache->stats().memory_bytes, 0U);
}

TEST_F(CacheTest, ASoftPurgeLeavesWhatCanStillStandIn) {
  answers(200, {{"cache-control", "max-age=60, stale-if-error=600"}});
  get();
  EXPECT_EQ(cache->purge({.what = Purge::What::kEverything, .soft = true}), 1U);
  answers(502, {}, "down");
  const auto got = get();
  EXPECT_EQ(got.response.status, 200);
  EXPECT_EQ(got.body, "body");
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(CacheTest, AResponseLargerThanTheLimitStreamsPastTheCache) {
  open({.object_bytes_max = 1000});
  answers(200, {{"cache-control", "max-age=60"}}, std::string(200'000, 'x'));
  const auto got = get();
  EXPECT_EQ(got.body->size(), 200'000U);
  EXPECT_FALSE(got.status.stored);
  EXPECT_FALSE(get().status.hit);
}

TEST_F(CacheTest, ABodyThatBreaksOffIsNeverStored) {
  answers([&](http::Request&) {
    http::Response response = make_response(200, {{"cache-control", "max-age=60"}}, "");
    std::vector<http::BodyPart> parts;
    parts.push_back({.data = "half"});
    response.body =
        std::make_unique<http::testing::SlowBody>(loop.executor(), std::move(parts), 1ms);
    return response;
  });
  EXPECT_EQ(get().body, std::nullopt);
  EXPECT_FALSE(get().status.hit);
  EXPECT_EQ(cache->stats().stored, 0U);
}

}  // namespace

}  // namespace cusp::edge::cache
