#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "engine/engine.h"

struct cusp_component;

namespace cusp::engine {

// kTcpBind and kUdp are asked for the wildcard address with port 0 too, when a socket that connects
// or sends takes any free local port.
enum class SocketUse : uint8_t { kTcpConnect, kTcpBind, kTcpListen, kUdp };

// How the instances of a component are set up: everything that it may see of the machine.
struct ComponentOptions {
  std::string id;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::pair<std::string, std::string>> variables;  // resolved
  std::vector<std::pair<std::string, std::string>>
      mounts;  // folder on this machine → folder in the guest
  uint64_t memory_bytes_max = limits::kGuestMemoryBytesMax;
  uint64_t table_elements_max = limits::kGuestTableElementsMax;
  uint32_t subrequests_max = limits::kGuestSubrequestsMax;
  // Asked for each address that a guest's socket is to use, from any thread. Empty: no sockets.
  std::function<bool(SocketUse, std::string_view address, uint16_t port)> allow_address;
};

// What a component's exports make of it.
enum class World : uint8_t { kHttp02, kHttp03, kSpinInbound, kCommand };

// A compiled and linked component: invocations are started from it. Immutable, thread-safe, shared
// by the shards.
class Component {
 public:
  // Maps an artifact of Engine::compile. The file must be what that call returned, for the same
  // fingerprint: forged machine code would run as it is, so the caller verifies it first. Errors:
  // kInvalidArgument naming interface, version and component when an import has no provider.
  static Result<std::unique_ptr<Component>> load(const Engine& engine,
                                                 const std::string& artifact_path,
                                                 ComponentOptions options);
  ~Component();
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  const std::string& id() const { return options_.id; }
  World world() const { return world_; }
  cusp_component* native() const { return native_; }

 private:
  explicit Component(ComponentOptions options) : options_(std::move(options)) {}
  ComponentOptions options_;
  cusp_component* native_ = nullptr;
  World world_ = World::kHttp02;
};

}  // namespace cusp::engine
