#include <fmt/format.h>

#include "edge/features/features.h"
#include "edge/limits/load.h"
#include "io/asio.h"

// shedding = true, or shedding = { target = "20ms" }
namespace cusp::edge {

namespace {

constexpr auto kTarget = std::chrono::milliseconds(20);
constexpr auto kTargetMin = std::chrono::milliseconds(1);
constexpr auto kTargetMax = std::chrono::seconds(10);

http::Response overloaded() {
  http::Response response = http::text_response(503, "Service Unavailable\n");
  response.fields.add("retry-after", "1");
  response.fields.add("cache-control", "no-store");
  return response;
}

// In front of the origin, behind the cache: what the cache has is cheap and is never turned away,
// and what it has that is stale may stand in for what is.
class SheddingOrigin final : public Origin {
 public:
  SheddingOrigin(std::shared_ptr<Origin> origin, Load& load, std::chrono::nanoseconds target,
                 bool favoured)
      : origin_(std::move(origin)), load_(load), target_(target), favoured_(favoured) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    if (load_.sheds(target_, favoured_)) co_return overloaded();
    co_return co_await origin_->fetch(request);
  }

 private:
  const std::shared_ptr<Origin> origin_;  // shared with the exchange that it came from
  Load& load_;
  const std::chrono::nanoseconds target_;
  const bool favoured_;
};

class Shedding final : public Feature {
 public:
  explicit Shedding(std::chrono::nanoseconds target) : target_(target) {}

  Phase phase() const override { return Phase::kLookup; }

  Outcome act(Exchange& exchange) const override {
    Load* const load = exchange.shard.load;
    if (load == nullptr || !exchange.origin) return Continue{};
    exchange.explain([&] {
      const double wait = std::chrono::duration<double, std::milli>(load->standing_wait()).count();
      return fmt::format("the shard's queue stands at {:.1f} ms", wait);
    });
    exchange.origin = std::make_shared<SheddingOrigin>(std::move(exchange.origin), *load, target_,
                                                       exchange.known_good);
    return Continue{};
  }

 private:
  const std::chrono::nanoseconds target_;
};

}  // namespace

std::unique_ptr<Feature> read_shedding(const Value& value, const FeatureContext&) {
  std::chrono::milliseconds target = kTarget;
  if (!value.is_boolean()) {
    auto table = value.table("the table 'shedding'");
    if (!table) return nullptr;
    if (const auto text = table->value("target")) {
      target = text->duration().value_or(target);
      if (target < kTargetMin || target > kTargetMax) {
        text->error("'target' is between 1ms and 10s");
      }
    } else {
      table->error("'shedding' needs the key 'target', or is true");
    }
    table->finish();
  }
  return std::make_unique<Shedding>(target);
}

}  // namespace cusp::edge
