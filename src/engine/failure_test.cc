#include "engine/failure.h"

#include <gtest/gtest.h>

namespace cusp::engine {
namespace {

TEST(Failure, CauseIsTheLastLineOfATrace) {
  const Failure failure{FailureKind::kTrap,
                        "error while executing at wasm backtrace:\n    0: 0x1 - f\n\nCaused by:\n"
                        "    wasm trap: wasm `unreachable` instruction executed\n"};
  EXPECT_EQ(failure.cause(), "wasm trap: wasm `unreachable` instruction executed");
}

TEST(Failure, CauseOfOneLineIsThatLine) {
  EXPECT_EQ((Failure{FailureKind::kCpuLimit, "used too much"}.cause()), "used too much");
}

TEST(Failure, CauseOfNothingIsNothing) {
  EXPECT_EQ((Failure{FailureKind::kInternal, ""}.cause()), "");
  EXPECT_EQ((Failure{FailureKind::kInternal, "\n\n"}.cause()), "");
  EXPECT_EQ((Failure{FailureKind::kInternal, "   "}.cause()), "");
}

TEST(Failure, EveryKindHasANameAndAnErrorStatus) {
  for (int kind = 0; kind <= static_cast<int>(FailureKind::kInternal); ++kind) {
    EXPECT_FALSE(to_string(static_cast<FailureKind>(kind)).empty());
    EXPECT_GE(http_status(static_cast<FailureKind>(kind)), 400);
  }
}

}  // namespace
}  // namespace cusp::engine
