#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/routes.h"

namespace cusp::app {

// The request headers that Spin adds for a guest, names in lower case, in Spin's order:
//
//   spin-path-info            RouteMatch::path_info
//   spin-full-url             scheme://authority + target (path and query as received)
//   spin-matched-route        the pattern with a leading and without a trailing slash ("" for "/")
//   spin-base-path            always "/"
//   spin-raw-component-route  the pattern as the manifest has it
//   spin-component-route      the same without a trailing "/..."
//   spin-client-addr          `client_address`
//   spin-path-match-NAME      one for each parameter, NAME in lower case with "-" for "_"
//
// The node must drop headers of these names that a client sent, which is_spin_header() tells.
// `authority` is the Host header or :authority ("localhost" without one), `client_address` is
// "192.0.2.7:51034" or "[2001:db8::7]:51034".
std::vector<std::pair<std::string, std::string>> spin_headers(const RouteMatch& match,
                                                              std::string_view scheme,
                                                              std::string_view authority,
                                                              std::string_view target,
                                                              std::string_view client_address);

// Whether only the node may set a request header: one of the names above, in any case.
bool is_spin_header(std::string_view name);

// The same values under the names that a wagi guest finds in its environment: X_FULL_URL,
// PATH_INFO, X_MATCHED_ROUTE, X_BASE_PATH, X_RAW_COMPONENT_ROUTE, X_COMPONENT_ROUTE, X_CLIENT_ADDR,
// X_PATH_MATCH_NAME.
std::vector<std::pair<std::string, std::string>> wagi_variables(const RouteMatch& match,
                                                                std::string_view scheme,
                                                                std::string_view authority,
                                                                std::string_view target,
                                                                std::string_view client_address);

// The pattern as Spin reports it: with a leading slash and without a trailing one.
std::string matched_route(std::string_view pattern);

}  // namespace cusp::app
