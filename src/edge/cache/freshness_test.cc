#include "edge/cache/freshness.h"

#include <gtest/gtest.h>

#include "edge/cache/date.h"
#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

using testing::FieldList;
using testing::kStart;
using testing::make_response;

using namespace std::chrono_literals;

std::string date(Seconds offset) {
  return format_date(std::chrono::floor<Seconds>(kStart) + offset);
}

Verdict judged(FieldList fields, const Policy& policy = {}, uint16_t status = 200,
               FieldList request = {}) {
  http::Fields asked;
  for (const auto& [name, value] : request) asked.add(name, value);
  return judge(asked, make_response(status, std::move(fields)), policy, kStart, kStart);
}

bool is_fresh(const Verdict& verdict, std::chrono::milliseconds later = 0ms) {
  return verdict.store && use_of(verdict.freshness, {}, {}, kStart + later) == Use::kFresh;
}

TEST(Freshness, TheMostSpecificLifetimeCounts) {
  EXPECT_EQ(judged({{"cache-control", "max-age=1, s-maxage=60"}}).freshness.lifetime, 60s);
  EXPECT_EQ(judged({{"cache-control", "max-age=60"}, {"expires", date(-10s)}}).freshness.lifetime,
            60s);
  EXPECT_EQ(judged({{"expires", date(90s)}, {"date", date(30s)}}).freshness.lifetime, 60s);
  EXPECT_EQ(judged({{"expires", date(10s)}, {"date", "foo"}}).freshness.lifetime, 10s);
  EXPECT_EQ(judged({{"cdn-cache-control", "max-age=7"}, {"cache-control", "max-age=60"}})
                .freshness.lifetime,
            7s);
  EXPECT_EQ(judged({{"cdn-cache-control", "max-age=\"7\""}, {"cache-control", "max-age=60"}})
                .freshness.lifetime,
            60s);
  EXPECT_EQ(judged({{"surrogate-control", "max-age=9"}, {"cache-control", "no-store"}})
                .freshness.lifetime,
            9s);
}

TEST(Freshness, ExpiresThatIsNoDateOrPastIsStale) {
  for (const FieldList& fields :
       std::initializer_list<FieldList>{{{"expires", "0"}},
                                        {{"expires", date(0s)}},
                                        {{"expires", date(-5s)}},
                                        {{"expires", date(300s)}, {"date", date(400s)}},
                                        {{"expires", date(60s)}, {"expires", date(70s)}},
                                        {{"expires", ""}}}) {
    EXPECT_FALSE(is_fresh(judged(fields)));
  }
}

TEST(Freshness, AgeIsTheLargestOfWhatIsKnown) {
  const auto age = [](FieldList fields) {
    fields.emplace_back("cache-control", "max-age=3600");
    return judged(fields).freshness.initial_age;
  };
  EXPECT_EQ(age({{"age", "30"}, {"date", date(-10s)}}), 30s);
  EXPECT_EQ(age({{"age", "30"}, {"date", date(-100s)}}), 100s);
  EXPECT_EQ(age({{"date", date(100s)}}), 0s);
  // The first member counts, and what is no number does not (RFC 9111 section 5.1).
  EXPECT_EQ(age({{"age", "7200, 0"}}), 7200s);
  EXPECT_EQ(age({{"age", "0"}, {"age", "7200"}}), 0s);
  for (const char* text : {"abc", "-7200", "7200.0", "", "7200;foo", "0x10"})
    EXPECT_EQ(age({{"age", text}}), 0s) << text;
  EXPECT_EQ(age({{"age", "99999999999999999999999"}}), kDeltaMax);
}

TEST(Freshness, HeuristicsAreATenthAndOnlyForSomeStatuses) {
  const FieldList fields = {{"last-modified", date(-1000s)}, {"date", date(0s)}};
  EXPECT_EQ(judged(fields).freshness.lifetime, 100s);
  EXPECT_EQ(judged({{"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"}}).freshness.lifetime, 24h);
  for (const uint16_t status : {201, 202, 403, 500, 502, 503, 504, 599})
    EXPECT_FALSE(is_fresh(judged(fields, {}, status))) << status;
  for (const uint16_t status : {203, 204, 404, 405, 410, 414, 501})
    EXPECT_TRUE(is_fresh(judged(fields, {}, status))) << status;
  FieldList open = fields;
  open.emplace_back("cache-control", "public");
  EXPECT_TRUE(is_fresh(judged(open, {}, 599)));
  EXPECT_FALSE(is_fresh(judged(fields, {.heuristics = false})));
}

TEST(Freshness, PoliciesSpeakWhereTheOriginIsSilent) {
  const Policy policy{.default_ttl = 60s, .status_ttl = {{404, 5s}, {502, 1s}}, .grace = 1h};
  EXPECT_EQ(judged({}, policy).freshness.lifetime, 60s);
  EXPECT_EQ(judged({}, policy, 404).freshness.lifetime, 5s);
  EXPECT_EQ(judged({}, policy, 502).freshness.lifetime, 1s);
  EXPECT_EQ(judged({{"cache-control", "max-age=7"}}, policy, 404).freshness.lifetime, 7s);
  EXPECT_EQ(judged({}, policy).freshness.stale_if_error, 1h);
  EXPECT_EQ(
      judged({{"cache-control", "max-age=7, must-revalidate"}}, policy).freshness.stale_if_error,
      0s);
  EXPECT_EQ(judged({{"cache-control", "s-maxage=7"}}, policy).freshness.stale_if_error, 0s);
  EXPECT_FALSE(judged({{"set-cookie", "a=b"}}, policy).store);
  EXPECT_TRUE(judged({{"set-cookie", "a=b"}, {"cache-control", "max-age=1"}}, policy).store);
}

TEST(Freshness, WhoIsAuthorizedSharesOnlyWhatTheOriginLets) {
  const auto stored = [](std::string directives) {
    return judged({{"cache-control", std::move(directives)}}, {}, 200, {{"authorization", "x"}})
        .store;
  };
  EXPECT_FALSE(stored("max-age=60"));
  EXPECT_TRUE(stored("max-age=60, public"));
  EXPECT_TRUE(stored("s-maxage=60"));
  EXPECT_TRUE(stored("max-age=60, must-revalidate"));
  EXPECT_FALSE(stored("max-age=60, public, private"));
}

TEST(Freshness, MustUnderstandStandsInPlaceOfNoStore) {
  EXPECT_TRUE(judged({{"cache-control", "max-age=60, no-store, must-understand"}}).store);
  EXPECT_FALSE(judged({{"cache-control", "max-age=60, no-store, must-understand"}}, {}, 599).store);
  EXPECT_FALSE(judged({{"cache-control", "max-age=60, must-understand"}}, {}, 599).store);
}

TEST(Freshness, ClientsMayWantItFresherOrTakeItStaler) {
  const Freshness freshness = judged({{"cache-control", "max-age=60"}}).freshness;
  const auto use = [&](Directives asked, std::chrono::milliseconds later,
                       const Policy& policy = {}) {
    return use_of(freshness, asked, policy, kStart + later);
  };
  EXPECT_EQ(use({.no_cache = true}, 1s), Use::kValidate);
  EXPECT_EQ(use({.max_age = 0s}, 1ms), Use::kValidate);
  EXPECT_EQ(use({.max_age = 30s}, 31s), Use::kValidate);
  EXPECT_EQ(use({.min_fresh = 30s}, 31s), Use::kValidate);
  EXPECT_EQ(use({.no_cache = true}, 1s, {.ignore_client_no_cache = true}), Use::kFresh);
  EXPECT_EQ(use({}, 60s), Use::kValidate);
  EXPECT_EQ(use({.max_stale = 10s}, 65s), Use::kFresh);
  EXPECT_EQ(use({.max_stale = 10s}, 75s), Use::kValidate);
  const Freshness strict = judged({{"cache-control", "max-age=60, must-revalidate"}}).freshness;
  EXPECT_EQ(use_of(strict, {.max_stale = 10s}, {}, kStart + 65s), Use::kValidate);
}

TEST(Freshness, AClockThatGoesBackMakesNothingYounger) {
  const Freshness freshness = judged({{"cache-control", "max-age=60"}, {"age", "30"}}).freshness;
  EXPECT_EQ(freshness.age(kStart - 1h), 30s);
}

}  // namespace

}  // namespace cusp::edge::cache
