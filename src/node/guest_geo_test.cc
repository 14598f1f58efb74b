#include "node/guest_geo.h"

#include <gtest/gtest.h>

#include "edge/geo_database.h"
#include "engine/test_command.h"

namespace cusp::node {
namespace {

class GuestGeoTest : public ::testing::Test {
 protected:
  // Whether a guest is told that its client is in Japan.
  bool finds_japan(std::shared_ptr<const edge::Geo> geo) {
    const auto capability = make_guest_geo(std::move(geo));
    guest_.start([&](const engine::Arguments& arguments, engine::Call call) {
      capability->call(arguments,
                       {.executor = guest_.executor(), .client = "192.0.2.1", .scope = scope_},
                       std::move(call));
    });
    return !guest_.report()->failure;
  }

  host::Scope scope_;
  engine::testing::TestCommand guest_;
};

TEST_F(GuestGeoTest, AGuestIsToldWhatTheEdgeKnows) {
  EXPECT_TRUE(finds_japan(edge::make_fixed_geo({.country = "JP"})));
  EXPECT_FALSE(finds_japan(edge::make_fixed_geo({.continent = "JP", .country = "DE"})));
}

TEST_F(GuestGeoTest, WithoutADatabaseEverythingIsNowhere) {
  EXPECT_FALSE(finds_japan(nullptr));
  EXPECT_FALSE(finds_japan(edge::make_fixed_geo({})));
}

}  // namespace
}  // namespace cusp::node
