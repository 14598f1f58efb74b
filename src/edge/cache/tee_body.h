#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "edge/cache/object.h"
#include "http/body.h"

namespace cusp::edge::cache {

// A body that is collected while somebody reads it. `done` is called once with all of it when it
// has been read to its end, and never when it breaks off, is dropped, or is larger than
// `bytes_max`.
std::unique_ptr<http::Body> make_tee_body(
    std::unique_ptr<http::Body> body, uint64_t bytes_max,
    std::function<void(Content, std::optional<http::Fields>)> done);

// The same bytes in blocks that are neither many and small nor larger than they need to be.
Content compacted(Content content);

}  // namespace cusp::edge::cache
