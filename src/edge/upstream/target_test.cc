#include "edge/upstream/target.h"

#include <gtest/gtest.h>

#include <map>

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;

std::vector<std::unique_ptr<Target>> targets(std::vector<uint32_t> weights) {
  std::vector<std::unique_ptr<Target>> targets;
  for (const uint32_t weight : weights) {
    auto target = parse_target("http://h" + std::to_string(targets.size()));
    target->weight = weight;
    targets.push_back(std::move(target));
  }
  return targets;
}

TEST(Target, IsReadFromAUrl) {
  const auto target = parse_target("https://api.example.com:8443/");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->scheme, "https");
  EXPECT_EQ(target->authority, "api.example.com:8443");
  EXPECT_EQ(target->host, "api.example.com");
  EXPECT_EQ(target->port, 8443);
  EXPECT_EQ(parse_target("http://[2001:db8::1]")->host, "2001:db8::1");
  EXPECT_EQ(parse_target("http://[2001:db8::1]:81")->port, 81);
  EXPECT_EQ(parse_target("http://h")->port, 80);
}

TEST(Target, IsNotReadFromAnythingElse) {
  for (const std::string_view url :
       {"", "h", "ftp://h", "http://", "http:///", "http://h/path", "http://h?q", "http://u@h",
        "http://h:0", "http://h:65536", "http://h:8a", "http://h:", "http://a b", "http://:80",
        "http://h\\evil", "HTTP://h"}) {
    EXPECT_FALSE(parse_target(url)) << url;
  }
}

TEST(Target, IsEjectedAfterFailuresInARowAndComesBack) {
  Target target;
  const auto now = Target::Clock::now();
  const Target::Ejection ejection{.failures = 2, .duration = 10s};
  EXPECT_FALSE(target.failed(ejection, now));
  target.succeeded();
  EXPECT_FALSE(target.failed(ejection, now));
  EXPECT_TRUE(target.failed(ejection, now));
  EXPECT_FALSE(target.available(now + 9s));
  EXPECT_TRUE(target.available(now + 10s));
}

TEST(Balancer, TakesTurnsByWeight) {
  Balancer balancer(Balance::kWeighted, targets({3, 1}));
  std::map<Target*, int> picked;
  for (int i = 0; i < 400; ++i) ++picked[balancer.pick({}, Target::Clock::now())];
  EXPECT_EQ(picked[balancer.targets()[0].get()], 300);
  EXPECT_EQ(picked[balancer.targets()[1].get()], 100);
}

TEST(Balancer, PrefersTheTargetWithTheLeastToDoForItsWeight) {
  Balancer balancer(Balance::kLeastLoaded, targets({1, 1, 4}));
  Target& heavy = *balancer.targets()[2];
  for (int i = 0; i < 3; ++i) heavy.begin();
  balancer.targets()[0]->begin();
  for (int i = 0; i < 6; ++i) {
    EXPECT_NE(balancer.pick({}, Target::Clock::now()), balancer.targets()[0].get());
  }
}

TEST(Balancer, LetsIdleTargetsTakeTurns) {
  Balancer balancer(Balance::kLeastLoaded, targets({1, 1, 1}));
  std::map<Target*, int> picked;
  for (int i = 0; i < 30; ++i) ++picked[balancer.pick({}, Target::Clock::now())];
  for (const auto& target : balancer.targets()) EXPECT_EQ(picked[target.get()], 10);
}

TEST(Balancer, AvoidsWhatIsDownUnlessEverythingIs) {
  Balancer balancer(Balance::kLeastLoaded, targets({1, 1}));
  Target& down = *balancer.targets()[0];
  down.set_healthy(false);
  for (int i = 0; i < 4; ++i) EXPECT_NE(balancer.pick({}, Target::Clock::now()), &down);
  balancer.targets()[1]->set_healthy(false);
  EXPECT_NE(balancer.pick({}, Target::Clock::now()), nullptr);
}

TEST(Balancer, DoesNotPickWhatHasBeenTried) {
  Balancer balancer(Balance::kLeastLoaded, targets({1, 1}));
  Target* const tried[] = {balancer.targets()[0].get(), balancer.targets()[1].get()};
  EXPECT_EQ(balancer.pick(std::span(tried, 1), Target::Clock::now()), tried[1]);
  EXPECT_EQ(balancer.pick(tried, Target::Clock::now()), nullptr);
}

}  // namespace
}  // namespace cusp::edge
