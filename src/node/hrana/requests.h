#pragma once

#include "node/hrana/batch.h"

namespace cusp::node::hrana {

// Runs one request of a pipeline; its "result", with the error where there is one.
io::Task<json> run_request(Stream& stream, const json& request, Access access,
                           size_t text_bytes_max);

}  // namespace cusp::node::hrana
