#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edge/assets/file.h"
#include "edge/cache/range.h"
#include "http/body.h"
#include "io/blocking_pool.h"

namespace cusp::edge {

// A piece of a body: some text, or (without any) bytes of the file.
struct AssetSegment {
  std::string text;
  cache::ByteRange range;

  uint64_t size() const { return text.empty() ? range.size() : text.size(); }
};

// The segments as a body. `file` is what the asset was read from, null for one that is in memory.
// Should the file change while it is sent, the body breaks off: the client sees that it has not got
// all, and never the bytes of two states mixed. `blocking` outlives it.
std::unique_ptr<http::Body> make_asset_body(AssetPtr asset, SharedFile::Ptr file,
                                            std::vector<AssetSegment> segments,
                                            io::BlockingPool& blocking);

}  // namespace cusp::edge
