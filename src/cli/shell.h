#pragma once

#include <string>

#include "base/result.h"

// One command of a manifest, run as a child.
namespace cusp::cli {

enum class Output {
  kInherit,  // the child writes to our terminal itself
  kKeep,     // it writes to standard error through us, and an error carries the end of it
};

// Runs `sh -c command` in `directory` with no standard input, and waits for its end. When
// `cancel_descriptor` becomes readable, the child and all that it started are ended (SIGTERM, after
// two seconds SIGKILL). Errors: kInvalidArgument when it ends with another code than 0 (with
// kKeep, the end of its output in the message), kNotFound for the directory, kCancelled,
// kUnavailable when no process can be started.
Result<> run_shell(const std::string& command, const std::string& directory, Output output,
                   int cancel_descriptor);

// `text` without the control sequences that colour a terminal.
std::string without_colours(std::string_view text);

}  // namespace cusp::cli
