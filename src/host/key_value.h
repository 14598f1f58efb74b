#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/capability.h"
#include "store/kv/store.h"

namespace cusp::host {

// Label → store.
using KeyValueStores = std::map<std::string, std::shared_ptr<store::kv::Store>, std::less<>>;

// The key-value stores that the manifest grants to a component, under the names that it knows them
// by. Reads of what is in memory end within their call.
std::shared_ptr<Capability> make_key_value(KeyValueStores stores);

}  // namespace cusp::host
