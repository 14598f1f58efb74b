#pragma once

#include <memory>

#include "app/runtime_config.h"
#include "host/object_container.h"

namespace cusp::node::s3_client {

// The objects under a prefix of a bucket as an app's object store. An object is written with one
// PutObject, or in parts when it is larger than kS3PartBytes, which is what a writer holds;
// it is read as it streams, and goes on where it was when the stream breaks off.
std::shared_ptr<host::ObjectBackEnd> make_s3_objects(app::S3Bucket bucket);

}  // namespace cusp::node::s3_client
