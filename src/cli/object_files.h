#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "store/object/session.h"

// Objects from and to streams and files, for `cusp object`.
namespace cusp::cli {

// Puts what `in` holds, with the media type of the key's end unless `media_type` says another.
// Errors: those of the bucket.
Result<> put_stream(store::object::Session& bucket, const std::string& key, std::istream& in,
                    std::string media_type);
// Errors: kNotFound, those of the bucket, kUnavailable (what is behind `out` takes no more). Then
// `out` has a part of the object.
Result<> get_stream(store::object::Session& bucket, const std::string& key, std::ostream& out);

// Where an object is exported to: a path below `directory` that has the key's segments. Errors:
// kInvalidArgument: a key that would lead elsewhere, or is no file's name ("a//b", "..", "a/").
Result<std::string> export_path(const std::string& directory, const std::string& key);

}  // namespace cusp::cli
