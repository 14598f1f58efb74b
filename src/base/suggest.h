#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cusp {

// The end of a message about the unknown name `word`: "; did you mean 'x'?" when one of `names`
// is near (edit distance at most a third of its length), else "; known: a, b, c", else nothing when
// `names` is empty.
std::string suggest(std::string_view word, const std::vector<std::string>& names);

}  // namespace cusp
