#pragma once

#include <memory>

#include "edge/compression/encoder.h"
#include "http/body.h"

namespace cusp::edge {

// `body` as the encoder makes it. Whenever the next part of the body is still to come, what has
// come can be read by the client: a stream of events stays one.
std::unique_ptr<http::Body> compress(std::unique_ptr<http::Body> body,
                                     std::unique_ptr<Encoder> encoder);

}  // namespace cusp::edge
