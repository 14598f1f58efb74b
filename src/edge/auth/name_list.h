#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/table_reader.h"

namespace cusp::edge {

// Names with what is known of each, such as users and their passwords' hashes: the table `key`, and
// the lines "name:value" of the file `key`_file (as htpasswd writes them). A name that comes twice
// or cannot stand in a header field is reported. Relative paths start at `directory`.
std::map<std::string, std::string> read_name_list(TableReader& table, std::string_view key,
                                                  const std::string& directory);

}  // namespace cusp::edge
