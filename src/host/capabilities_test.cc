#include "host/capabilities.h"

#include <gmock/gmock.h>

#include "engine/test_command.h"

namespace cusp::host {
namespace {

using ::testing::HasSubstr;

class Japan final : public Capability {
 public:
  void call(const engine::Arguments&, const Caller& caller, engine::Call call) override {
    client = caller.client;
    call.answer({{}, "JP", {}, {}, {}, {}, {}, {}, {}});
  }
  std::string client;
};

class CapabilitiesTest : public ::testing::Test {
 protected:
  // How a guest fares that may call what was granted.
  std::string run(const Capabilities& capabilities) {
    guest_.start([&](const engine::Arguments& arguments, engine::Call call) {
      capabilities.call(arguments,
                        {.executor = guest_.executor(), .client = "192.0.2.1", .scope = scope_},
                        std::move(call));
    });
    const auto& failure = guest_.report()->failure;
    return failure ? failure->message : "";
  }

  Scope scope_;
  engine::testing::TestCommand guest_;
};

TEST_F(CapabilitiesTest, ACallGoesToTheCapabilityOfItsOperation) {
  Capabilities capabilities;
  const auto geo = std::make_shared<Japan>();
  const auto other = std::make_shared<Japan>();
  capabilities.grant(CapabilityKind::kGeo, geo);
  capabilities.grant(CapabilityKind::kCache, other);
  EXPECT_EQ(run(capabilities), "");
  EXPECT_EQ(geo->client, "192.0.2.1");
  EXPECT_EQ(other->client, "");
}

TEST_F(CapabilitiesTest, WhatWasNotGrantedIsDeniedByName) {
  Capabilities capabilities;
  EXPECT_THAT(run(capabilities), HasSubstr("does not offer cusp:edge/geo"));
  capabilities.grant(CapabilityKind::kRateLimit, std::make_shared<Japan>());
  EXPECT_THAT(run(capabilities), HasSubstr("does not offer cusp:edge/geo"));
}

}  // namespace
}  // namespace cusp::host
