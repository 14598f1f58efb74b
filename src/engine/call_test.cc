#include "engine/call.h"

#include <gmock/gmock.h>

#include "engine/test_command.h"

namespace cusp::engine {
namespace {

using ::testing::HasSubstr;

class CallTest : public ::testing::Test {
 protected:
  // Compiling takes as long as all tests together.
  static void SetUpTestSuite() { guest_ = std::make_unique<testing::TestCommand>(); }
  static void TearDownTestSuite() { guest_.reset(); }

  static void answer(Call& call, std::string_view country) {
    call.answer({"AS", country, {}, "Tokyo", {}, 35.7, 139.7, int64_t{64500}, {}});
  }

  static std::string failure() {
    const auto& report = guest_->report();
    if (!report) return "it runs";
    return report->failure ? report->failure->message : "";
  }

  static std::unique_ptr<testing::TestCommand> guest_;
};

std::unique_ptr<testing::TestCommand> CallTest::guest_;

TEST_F(CallTest, AnAnswerInsideTheCallLetsTheGuestGoOnAtOnce) {
  std::optional<Operation> operation;
  guest_->start([&](const Arguments& arguments, Call call) {
    operation = call.operation();
    EXPECT_EQ(arguments.size(), 0u);
    answer(call, "JP");
  });
  EXPECT_EQ(operation, CUSP_GEO_CLIENT);
  EXPECT_EQ(failure(), "");
}

TEST_F(CallTest, TheGuestSeesTheValuesOfTheAnswer) {
  guest_->start([](const Arguments&, Call call) { answer(call, "DE"); });
  EXPECT_THAT(failure(), HasSubstr("exit")) << "the guest expects \"JP\"";
}

TEST_F(CallTest, AnAnswerThatComesLaterWakesTheGuest) {
  std::optional<Call> waiting;
  const auto run =
      guest_->start([&](const Arguments&, Call call) { waiting.emplace(std::move(call)); });
  EXPECT_EQ(failure(), "it runs");
  answer(*waiting, "JP");
  guest_->turn();
  EXPECT_EQ(failure(), "");
}

TEST_F(CallTest, AFailureReachesTheGuest) {
  guest_->start(
      [](const Arguments&, Call call) { call.fail(CallFailure::kBusy, "the database is closed"); });
  EXPECT_THAT(failure(), HasSubstr("the database is closed"));
}

TEST_F(CallTest, ACallThatIsDroppedFailsForTheGuest) {
  guest_->start([](const Arguments&, Call) {});
  EXPECT_THAT(failure(), HasSubstr("the host dropped the call"));
}

TEST_F(CallTest, ACallThatIsDroppedLaterFailsForTheGuest) {
  std::optional<Call> waiting;
  const auto run =
      guest_->start([&](const Arguments&, Call call) { waiting.emplace(std::move(call)); });
  waiting.reset();
  guest_->turn();
  EXPECT_THAT(failure(), HasSubstr("the host dropped the call"));
}

TEST_F(CallTest, OnlyTheFirstEndOfACallCounts) {
  guest_->start([](const Arguments&, Call call) {
    answer(call, "JP");
    call.fail(CallFailure::kOther, "too late");
    answer(call, "DE");
  });
  EXPECT_EQ(failure(), "");
}

TEST_F(CallTest, AnAnswerAfterTheGuestWasCancelledGoesNowhere) {
  std::optional<Call> waiting;
  auto run = guest_->start([&](const Arguments&, Call call) { waiting.emplace(std::move(call)); });
  run->cancel(FailureKind::kClientGone);
  run.reset();
  guest_->turn();
  answer(*waiting, "JP");
  waiting.reset();
  guest_->turn();
  EXPECT_EQ(failure(), "client-gone");
}

TEST_F(CallTest, AnAnswerOfAnotherShapeIsAnErrorAndNoCrash) {
  guest_->start([](const Arguments&, Call call) { call.answer({"AS", int64_t{7}}); });
  EXPECT_THAT(failure(), HasSubstr("the host's answer is not what was asked for"));
  guest_->start([](const Arguments&, Call call) { call.answer(); });
  EXPECT_THAT(failure(), HasSubstr("the host's answer is not what was asked for"));
}

TEST_F(CallTest, ATextThatIsNotUtf8ArrivesRepaired) {
  guest_->start([](const Arguments&, Call call) {
    call.answer({"\xff\xfe", "JP", {}, {}, {}, {}, {}, {}, {}});
  });
  EXPECT_EQ(failure(), "");
}

}  // namespace
}  // namespace cusp::engine
