#pragma once

#include <string_view>

namespace cusp::edge {

// The media type of a file by the end of its name, "text/html; charset=utf-8";
// "application/octet-stream" for what is not known.
std::string_view media_type_of(std::string_view file_name);

}  // namespace cusp::edge
