#include "edge/expression/expression.h"
#include "edge/features/challenger.h"
#include "edge/features/features.h"

// challenge = true, or
// challenge = { when = 'not path starts_with "/api/"', difficulty = 18, ttl = "1h" }
namespace cusp::edge {

namespace {

constexpr auto kTtlMin = std::chrono::minutes(1);
constexpr auto kTtlMax = std::chrono::hours(24 * 30);

class Challenge final : public Feature {
 public:
  Challenge(Challenger challenger, std::optional<Expression> when)
      : challenger_(std::move(challenger)), when_(std::move(when)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    if (when_ && !when_->test(exchange)) return Continue{};
    return challenger_.act(exchange);
  }

 private:
  const Challenger challenger_;
  const std::optional<Expression> when_;
};

}  // namespace

std::unique_ptr<Feature> read_challenge(const Value& value, const FeatureContext& context) {
  unsigned difficulty = Challenger::kDifficulty;
  std::chrono::milliseconds ttl = Challenger::kTtl;
  std::optional<Expression> when;
  if (!value.is_boolean()) {
    auto table = value.table("the table 'challenge'");
    if (!table) return nullptr;
    difficulty = static_cast<unsigned>(
        table->integer("difficulty", 1, Proofs::kDifficultyMax).value_or(difficulty));
    if (const auto text = table->value("ttl")) {
      ttl = text->duration().value_or(ttl);
      if (ttl < kTtlMin || ttl > kTtlMax) text->error("'ttl' is between 1m and 30 days");
    }
    if (const auto condition = table->value("when")) when = read_condition(*condition);
    table->finish();
  }
  return std::make_unique<Challenge>(
      Challenger(context, difficulty, std::chrono::duration_cast<std::chrono::seconds>(ttl)),
      std::move(when));
}

}  // namespace cusp::edge
