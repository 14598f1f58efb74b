#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cusp::app {

// Reads lines `NAME=value` of a .env file. Blank lines, "# comments" and a leading "export " are
// passed over; a value may stand in 'single quotes' (taken as it is) or "double quotes" (where \n,
// \t, \", \\ and \$ are escapes); an unquoted one ends at " #". No substitution of other variables.
// Errors: kInvalidArgument with "file:line" for any other line.
Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text,
                                                        const std::string& file);

// Reads a file so; an absent one is empty.
Result<std::map<std::string, std::string>> read_dotenv(const std::string& path);

}  // namespace cusp::app
