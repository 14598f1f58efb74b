#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "engine/call.h"
#include "io/task.h"

namespace cusp::http {
class Client;
class Connector;
}  // namespace cusp::http

namespace cusp::host {

// What capabilities keep for one invocation; it goes when that ends. Belongs to its shard.
class Scope {
 public:
  struct Part {
    virtual ~Part() = default;
  };

  // What `owner` keeps here, always of one type; made at the first call.
  template <class T>
  T& part(const void* owner) {
    auto& part = parts_[owner];
    if (!part) part = std::make_unique<T>();
    return static_cast<T&>(*part);
  }

 private:
  std::map<const void*, std::unique_ptr<Part>> parts_;
};

// Who calls: one invocation, on one shard.
struct Caller {
  io::Executor executor;    // the shard's
  std::string_view client;  // the address of the client of its request, "192.0.2.1"
  Scope& scope;             // its own
  // The shard's; null where nothing may be connected to.
  http::Connector* connector = nullptr;
  http::Client* http_client = nullptr;
};

// What a guest may call beside HTTP: an implementation answers the operations of one capability for
// one application. Thread-safe: called on any shard, by all invocations of the application's
// components that it is granted to.
class Capability {
 public:
  virtual ~Capability() = default;

  // Ends the call here, or later on the same shard: the call may then outlive its invocation and
  // this object, and what its end needs is kept alive by itself. `arguments` and `caller` are valid
  // for this function only. What guests pass is hostile; a host that cannot answer fails the call.
  virtual void call(const engine::Arguments& arguments, const Caller& caller,
                    engine::Call call) = 0;
};

}  // namespace cusp::host
