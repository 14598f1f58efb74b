#pragma once

#include <memory>
#include <string>

#include "host/object_container.h"
#include "node/s3_client/service.h"

// Reading and writing one object, for objects.cc.
namespace cusp::node::s3_client {

// Opens no stream until something is read.
std::unique_ptr<host::ObjectReader> make_reader(Service service, std::string key, uint64_t size,
                                                std::string etag, store::object::FieldList fields);

// An upload in parts that is not finished is aborted when this goes, as far as the service hears.
std::unique_ptr<host::ObjectWriter> make_writer(Service service, std::string key,
                                                const store::object::FieldList& fields);

}  // namespace cusp::node::s3_client
