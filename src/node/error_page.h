#pragma once

#include <string>

#include "base/error.h"

namespace cusp::node {

// A page for a developer's browser that shows `error` and looks again every second, until the app
// answers in its place. Everything of the error is escaped.
std::string error_page(const Error& error);

}  // namespace cusp::node
