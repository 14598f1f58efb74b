#pragma once

#include <memory>
#include <vector>

#include "edge/cache/object.h"
#include "http/body.h"

namespace cusp::edge::cache {

// The stored bytes as a body: of the object, or what `content` says of them. The object is kept
// alive meanwhile.
std::unique_ptr<http::Body> make_content_body(ObjectPtr object);
// The bytes of the content in `range`.
std::unique_ptr<http::Body> make_content_body(const ObjectPtr& object, ByteRange range);
std::unique_ptr<http::Body> make_content_body(Content content);

}  // namespace cusp::edge::cache
