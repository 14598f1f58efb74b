#pragma once

#include <string_view>

#include "edge/cache/object.h"
#include "http/message.h"

namespace cusp::edge::cache {

// Entity tags as they stand in fields (RFC 9110 section 8.8.3): the weak comparison passes over W/,
// the strong one wants none.
bool weak_equal(std::string_view a, std::string_view b);
bool strong_equal(std::string_view a, std::string_view b);

// Whether a client's conditions say that it has what is stored already: the answer is 304 (RFC 9111
// section 4.3.2). If-None-Match counts before If-Modified-Since.
bool is_not_modified(const http::Fields& request, const Object& object, Time now);

// Whether a Range of the request counts for what is stored, as If-Range says (RFC 9110 section
// 13.1.5).
bool range_counts(const http::Fields& request, const Object& object, Time now);

// Takes the client's own conditions out of a request on its way to the origin, so that the answer
// can be stored.
void remove_conditions(http::Fields& request);
// Makes it ask whether `object` is still what the origin would send (RFC 9111 section 4.3.1);
// false, and nothing changes, when the object has no validator.
bool add_validators(http::Fields& request, const Object& object);

// The stored fields brought up to date by those of a 304, of a HEAD, or of a part (RFC 9111 section
// 3.2): each field of the new response replaces all of that name, but for those that describe the
// stored bytes.
http::Fields freshened_fields(const http::Fields& stored, const http::Fields& update);

// The fields that a 304 made from `fields` has (RFC 9110 section 15.4.5).
http::Fields not_modified_fields(const http::Fields& fields);

}  // namespace cusp::edge::cache
