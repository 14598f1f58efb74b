#pragma once

#include "edge/cache/cache.h"
#include "edge/cache/object.h"
#include "http/body.h"

namespace cusp::edge::cache {

// What an answer of the cache is made of, for those who keep what they make of it beside it. It
// counts for the answer with that very body alone: another feature may have put its own in place.
struct Stored {
  Cache& cache;
  ObjectPtr object;
  const http::Body* body;  // only to be compared
};

}  // namespace cusp::edge::cache
