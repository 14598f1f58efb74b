#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/cache/freshness.h"
#include "edge/cache/range.h"
#include "edge/cache/vary.h"
#include "http/fields.h"

namespace cusp::edge::cache {

class FileContent;  // file_content.h

// A piece of a body. Shared: by the stored response, by those who read it now, and by the newer
// response that takes its place after a validation.
using Block = std::shared_ptr<const std::string>;

// The bytes of a body, in blocks none of which is empty.
struct Content {
  std::vector<Block> blocks;
  uint64_t size = 0;

  void append(Block block);
  // The blocks of [range.first, range.end) of these bytes, the outer ones cut.
  Content cut(ByteRange range) const;
  // What it takes in memory.
  size_t bytes() const;
};

// One stored response. Immutable: shared by all shards without a lock.
struct Object {
  std::string key;
  std::string url;  // Address::url()
  std::string name_space;
  Variance variance;
  uint16_t status = 200;
  http::Fields fields;  // those that go out, without age and content-length
  std::optional<http::Fields> trailers;
  Content content;
  // Set when the bytes stay on disk: `content` has their number alone then.
  std::shared_ptr<const FileContent> file;  // shared: by those who read it
  // Set for a response that was stored in part: what of the whole `content` is.
  std::optional<ContentRange> part;
  Freshness freshness;
  std::vector<std::string> tags;
  // Set when `content` is another response's in a content coding, kept beside it: that coding, and
  // the first block of the bytes that it was made of.
  std::string coding;
  std::weak_ptr<const std::string> coded_from;

  std::optional<std::string_view> etag() const { return fields.get("etag"); }
  // Whether this is what `plain` comes to in a content coding.
  bool is_coded_form_of(const Object& plain) const;
  // Whether one of the two takes the other's place.
  bool is_same_variant(const Object& other) const {
    return coding == other.coding && variance == other.variance;
  }
  // Everything counted.
  size_t bytes() const;
};
using ObjectPtr = std::shared_ptr<const Object>;

// The fields of a response as they are stored: without those of the connection, of a proxy's
// authentication, those in `withheld` (RFC 9111 section 3.1), Age and Surrogate-Control; with Date.
http::Fields stored_fields(const http::Fields& fields, const std::vector<std::string>& withheld,
                           Time received);

// The surrogate tags of a response: Surrogate-Key (separated by spaces) and Cache-Tag (by commas);
// at most kTagsMax.
inline constexpr size_t kTagsMax = 128;
std::vector<std::string> tags_of(const http::Fields& fields);

}  // namespace cusp::edge::cache
