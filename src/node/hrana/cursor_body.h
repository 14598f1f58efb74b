#pragma once

#include <memory>

#include "http/body.h"
#include "node/hrana/batch.h"

namespace cusp::node::hrana {

// The entries of a cursor, a line of JSON each, made step by step as the client takes them. Once
// the last has been made, the stream waits in `streams` under a baton that the first line has told.
// `streams` outlives it.
std::unique_ptr<http::Body> make_cursor_body(Streams& streams, StreamPtr stream, Batch batch,
                                             Access access);

}  // namespace cusp::node::hrana
