#pragma once

#include <optional>

#include "edge/cache/fill.h"
#include "edge/cache/object.h"
#include "http/message.h"

namespace cusp::edge::cache {

// Makes a client's answer of something stored: what its conditions and ranges leave of it.

// Of a whole object: 304, 206 (one range, or several as multipart/byteranges), 416, or the object's
// own status; with Age. A HEAD gets the same head.
http::Response answer(const ObjectPtr& object, const http::Request& request, Time now);

// Whether a part holds all that a single range asks for; the bytes of the whole that it means then.
std::optional<ByteRange> covered(const Object& part, std::string_view range);
http::Response answer_part(const Object& part, ByteRange range, Time now);

// Of what is still on its way (Outcome::Kind::kBody). Nothing when its start has been forgotten.
std::optional<http::Response> answer(Fill& fill, const Fill::Outcome& outcome,
                                     const http::Request& request, io::Executor executor, Time now);

// 504 for only-if-cached (RFC 9111 section 5.2.1.7).
http::Response answer_not_cached();

}  // namespace cusp::edge::cache
