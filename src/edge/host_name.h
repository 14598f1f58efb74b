#pragma once

#include <string>
#include <string_view>

namespace cusp::edge {

// The host of an authority ("Shop.Example.:8443") in lower case, without port and without the dot
// that ends a full name: "shop.example", "[::1]".
std::string host_name(std::string_view authority);

// Whether `host`, as above, is `pattern` or, for "*.example.com", a name below example.com.
bool host_matches(std::string_view pattern, std::string_view host);

}  // namespace cusp::edge
