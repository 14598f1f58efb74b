#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/capability.h"
#include "host/object_container.h"

namespace cusp::host {

// Name → store.
using ObjectStores = std::map<std::string, std::shared_ptr<ObjectBackEnd>, std::less<>>;

// The object stores that the manifest grants to a component: containers of wasi:blobstore. What a
// guest writes is an object once it is finished; what its invocation leaves unfinished is nothing.
std::shared_ptr<Capability> make_object_store(ObjectStores stores);

}  // namespace cusp::host
