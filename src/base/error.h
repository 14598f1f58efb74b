#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace cusp {

// What kind of thing went wrong. One list for the whole program: `http_status` and `exit_code`
// below are the only places where it turns into numbers that the outside sees.
enum class ErrorCode {
  kInvalidArgument,    // the input is wrong: a manifest, a flag, a request
  kNotFound,           // the named thing does not exist
  kAlreadyExists,      // the name is taken
  kPermissionDenied,   // known, but not granted
  kResourceExhausted,  // a limit was reached
  kDeadlineExceeded,   // took longer than allowed
  kCancelled,          // the asker went away
  kUnavailable,        // a peer, a network or a disk does not answer now; may work later
  kDataLoss,           // stored bytes are not what was written
  kUnsupported,        // well formed, but this build does not do it
  kInternal,           // our bug
};

// An error that is a value. `message` is one sentence for a person: it names the thing, what was
// expected and the next step. `context` is where: "cusp.toml:12:3", a route, an address; empty when
// there is no place.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string context;

  // "context: message", or the message alone.
  std::string to_string() const;
};

// The enumerator in the form logs and JSON use: "invalid_argument".
std::string_view to_string(ErrorCode code);

// The HTTP status that a client sees when a request fails with `code` (RFC 9110 section 15).
int http_status(ErrorCode code);

// The exit code of a command that fails with `code`; the table stands in
// docs/operations/exit-codes.md.
int exit_code(ErrorCode code);

}  // namespace cusp
