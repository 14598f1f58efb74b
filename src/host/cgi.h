#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/message.h"

// A WASI command as a CGI script (RFC 3875), the way of Spin's wagi.
namespace cusp::host {

// The environment of the script, section 4.1: the fixed variables, then HTTP_… for each request
// field. `extra` comes last and wins.
std::vector<std::pair<std::string, std::string>> cgi_environment(
    const http::Request& request, const std::vector<std::pair<std::string, std::string>>& extra);

// Arguments from wagi's argv template: "${SCRIPT_NAME}" is the path without query, "${ARGS}" the
// query's parts.
std::vector<std::string> cgi_arguments(const std::string& argv_template, const std::string& target);

// Reads the head that a script writes (section 6.3: content-type, location or status first, then an
// empty line) and returns the response whose body is the rest. Errors: kInvalidArgument when there
// is no head within limits::kHeadBytesMax, or the body's own error.
io::Task<Result<http::Response>> read_cgi_response(std::unique_ptr<http::Body> output);

}  // namespace cusp::host
