#pragma once

#include <memory>

#include "edge/feature.h"

// How each kind of feature is read; docs/formats/edge.md says what they take. A feature is one file
// here, one line below and one in features.cc.
namespace cusp::edge {

std::unique_ptr<Feature> read_acl(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_api_keys(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_basic_auth(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_budgets(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_cache(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_challenge(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_compression(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_cors(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_error_pages(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_geo(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_headers(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_jwt(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_maintenance(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_oidc(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_rate_limit(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_redirects(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_rewrites(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_rules(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_shedding(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_signed_urls(const Value& value, const FeatureContext& context);
std::unique_ptr<Feature> read_trusted_proxies(const Value& value, const FeatureContext& context);

}  // namespace cusp::edge
