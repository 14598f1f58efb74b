#pragma once

#include "http/message.h"
#include "node/s3/failure.h"
#include "node/s3/request.h"

namespace cusp::node::s3 {

// Whether a request asks for nothing that is not done here: a client that asks for encryption, a
// lock or public access must not believe that it has it. Failures: NotImplemented, with the name of
// the parameter or field, and NoSuchVersion.
Answer<> check_supported(const http::Fields& fields, const Target& target);

}  // namespace cusp::node::s3
