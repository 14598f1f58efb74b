#pragma once

#include <string>
#include <string_view>

// The forms of names in manifests, as Spin defines them. Each function answers what is wrong with
// `text`, or an empty string.
namespace cusp::app {

std::string check_kebab_id(std::string_view text);         // "my-component", "API-v2"
std::string check_variable_name(std::string_view text);    // "api_host2"
std::string check_store_label(std::string_view text);      // kebab-case or snake_case
std::string check_dependency_name(std::string_view text);  // "ns:package/interface@1.0.0"
std::string check_sha256_digest(std::string_view text);    // "sha256:<64 hex>"
std::string check_host_pattern(std::string_view text);     // "example.com", "*.example.com"

}  // namespace cusp::app
