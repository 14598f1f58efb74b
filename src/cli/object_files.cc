#include "cli/object_files.h"

#include <istream>
#include <ostream>

#include <fmt/format.h>

#include "base/limits.h"
#include "edge/assets/media_type.h"

namespace cusp::cli {

namespace object = store::object;

Result<> put_stream(object::Session& bucket, const std::string& key, std::istream& in,
                    std::string media_type) {
  CUSP_CHECK(bucket.begin());
  std::string piece;
  while (in) {
    piece.resize(256 * limits::kKiB);
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<size_t>(in.gcount()));
    CUSP_CHECK(bucket.append(piece));
  }
  if (in.bad()) return fail(ErrorCode::kUnavailable, "what was to be put cannot be read", key);
  if (media_type.empty()) media_type = edge::media_type_of(key);
  return bucket.put(key, {{"content-type", std::move(media_type)}});
}

Result<> get_stream(object::Session& bucket, const std::string& key, std::ostream& out) {
  CUSP_TRY(const bool found, bucket.open(key));
  if (!found) return fail(ErrorCode::kNotFound, fmt::format("there is no object '{}'", key));
  uint64_t offset = 0;
  while (true) {
    CUSP_TRY(const std::string bytes, bucket.read(offset, limits::kMiB));
    if (bytes.empty()) break;
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    offset += bytes.size();
  }
  out.flush();
  if (!out) return fail(ErrorCode::kUnavailable, "the object cannot be written there", key);
  return {};
}

Result<std::string> export_path(const std::string& directory, const std::string& key) {
  std::string_view rest = key;
  while (true) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment.empty() || segment == "." || segment == "..") {
      return fail(ErrorCode::kInvalidArgument, "this key is no path of a file below a folder", key);
    }
    if (segment.size() == rest.size()) return directory + "/" + key;
    rest.remove_prefix(segment.size() + 1);
  }
}

}  // namespace cusp::cli
