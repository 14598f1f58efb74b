#include <fmt/format.h>

#include "edge/address_set.h"
#include "edge/expression/expression.h"
#include "edge/features/config_file.h"
#include "edge/features/features.h"
#include "edge/negotiation.h"

// maintenance = { retry_after = "30m", page = "maintenance.html", allow = ["192.0.2.0/24"] }
namespace cusp::edge {

namespace {

constexpr std::chrono::milliseconds kRetryAfterDefault = std::chrono::minutes(5);
constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Maintenance</title>
<style>
body { font: 1.2em/1.5 sans-serif; margin: 20vh auto; max-width: 30em; padding: 0 1em }
</style>
<h1>Back soon</h1>
<p>This site is being worked on. Please try again in a while.</p>
</html>
)";

class Maintenance final : public Feature {
 public:
  Maintenance(std::string page, int64_t retry_after_s, AddressSet allow,
              std::optional<Expression> bypass)
      : page_(std::move(page)),
        retry_after_s_(retry_after_s),
        allow_(std::move(allow)),
        bypass_(std::move(bypass)) {}

  Phase phase() const override { return Phase::kAdmit; }

  Outcome act(Exchange& exchange) const override {
    if (allow_.contains(exchange.client.address) || (bypass_ && bypass_->test(exchange))) {
      exchange.explain([] { return "the client may pass during maintenance"; });
      return Continue{};
    }
    const bool html = accepts_html(exchange.request.fields.get_all("accept").value_or(""));
    auto response = http::text_response(503, html ? page_ : "Down for maintenance\n");
    if (html) response.fields.set("content-type", "text/html; charset=utf-8");
    response.fields.add("retry-after", fmt::format("{}", retry_after_s_));
    response.fields.add("cache-control", "no-store");
    return response;
  }

 private:
  const std::string page_;
  const int64_t retry_after_s_;  // RFC 9110 section 10.2.3
  const AddressSet allow_;
  const std::optional<Expression> bypass_;
};

AddressSet read_allowed(const Value& value) {
  std::vector<AddressBlock> blocks;
  for (const Value& member : value.elements()) {
    const auto text = member.string();
    if (!text) continue;
    const auto block = parse_block_or_address(*text);
    if (block) blocks.push_back(*block);
    if (!block) member.error(block.error().message);
  }
  return AddressSet(blocks);
}

}  // namespace

std::unique_ptr<Feature> read_maintenance(const Value& value, const FeatureContext& context) {
  std::string page(kPage);
  auto retry_after = kRetryAfterDefault;
  AddressSet allow;
  std::optional<Expression> bypass;
  bool enabled = true;
  if (!value.is_boolean()) {  // `maintenance = true` takes all defaults, `false` never gets here
    auto table = value.table();
    if (!table) return nullptr;
    enabled = table->boolean("enabled").value_or(true);
    if (const auto file = table->value("page")) {
      page = read_config_file(*file, context, kPageBytesMax).value_or("");
    }
    if (const auto time = table->value("retry_after"))
      retry_after = time->duration().value_or(std::chrono::milliseconds(0));
    if (const auto addresses = table->value("allow")) allow = read_allowed(*addresses);
    if (const auto expression = table->value("bypass")) bypass = read_condition(*expression);
    table->finish();
  }
  if (!enabled) return nullptr;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
  return std::make_unique<Maintenance>(std::move(page), seconds, std::move(allow),
                                       std::move(bypass));
}

}  // namespace cusp::edge
