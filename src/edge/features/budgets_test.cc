#include <gtest/gtest.h>

#include "edge/limits/connections.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using testing::problem_of;
using testing::TestEdge;

class Budgets : public ::testing::Test {
 protected:
  int passed(TestEdge& edge, int count, const std::string& client) {
    int passed = 0;
    for (int i = 0; i < count; ++i) passed += edge.get("/", {}, client).status == 200;
    return passed;
  }

  ConnectionPolicy connections_;
  const FeatureContext node_{.directory = ".", .connections = &connections_};
};

TEST_F(Budgets, GiveEachClientSoManyRequests) {
  TestEdge edge(R"(budgets = { requests = 3, window = "1h" })", {}, node_);
  EXPECT_EQ(passed(edge, 5, "192.0.2.1"), 3);
  EXPECT_EQ(passed(edge, 5, "192.0.2.2"), 3);
  EXPECT_EQ(passed(edge, 5, "2001:db8::1"), 3);
  EXPECT_EQ(passed(edge, 5, "2001:db8::2"), 0);
  const auto response = edge.get("/", {}, "192.0.2.1");
  EXPECT_EQ(response.status, 429);
  EXPECT_GE(std::stoi(std::string(*response.fields.get("retry-after"))), 1000);
}

TEST_F(Budgets, AreThoseOfTheClientBehindAProxy) {
  TestEdge edge(R"(budgets = { requests = 2, window = "1h" }
                   trusted_proxies = ["10.0.0.0/8"])",
                {}, node_);
  const auto ask = [&](const char* client) {
    return edge.get("/", {{"x-forwarded-for", client}}, "10.0.0.1").status;
  };
  EXPECT_EQ(ask("192.0.2.1"), 200);
  EXPECT_EQ(ask("192.0.2.1"), 200);
  EXPECT_EQ(ask("192.0.2.1"), 429);
  EXPECT_EQ(ask("192.0.2.9, 192.0.2.1"), 429);  // a forged part changes nothing
  EXPECT_EQ(ask("192.0.2.2"), 200);
}

TEST_F(Budgets, SayHowManyConnectionsAClientMayHold) {
  TestEdge edge(R"(budgets = { connections = 7 }
                   trusted_proxies = ["10.0.0.0/8"])",
                {}, node_);
  EXPECT_EQ(connections_.per_client_max, 7u);
  ASSERT_EQ(connections_.exempt.size(), 1u);
  EXPECT_TRUE(connections_.exempt[0].contains(*parse_address("10.9.9.9")));
  EXPECT_EQ(passed(edge, 50, "192.0.2.1"), 50);
}

TEST_F(Budgets, RefuseWhatMakesNone) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"budgets = {}", "'connections' or 'requests'"},
      {"budgets = true", "table"},
      {"budgets = { requests = 0 }", "requests"},
      {"budgets = { connections = -1 }", "connections"},
      {R"(budgets = { connections = 1, window = "1s" })", "goes with"},
      {R"(budgets = { requests = 1, window = "1ms" })", "between"},
      {R"(budgets = { requests = 1, window = "2h" })", "between"},
      {"budgets = { request = 1 }", "did you mean 'requests'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text, node_);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
  EXPECT_NE(problem_of("budgets = { requests = 1 }").find("belongs into the node's"),
            std::string::npos);
}

}  // namespace
}  // namespace cusp::edge
