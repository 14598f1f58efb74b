#include "engine/component.h"

#include "engine/ffi.h"

namespace cusp::engine {

namespace {

std::vector<cusp_field> views(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<cusp_field> result;
  for (const auto& [name, value] : pairs) result.push_back({to_ffi(name), to_ffi(value)});
  return result;
}

World to_world(std::string_view name) {
  if (name == "wasi:http/handler@0.3") return World::kHttp03;
  if (name == "wasi:cli/run@0.2") return World::kCommand;
  if (name == "fermyon:spin/inbound-http") return World::kSpinInbound;
  return World::kHttp02;
}

SocketUse to_socket_use(cusp_socket_use use) {
  switch (use) {
    case CUSP_SOCKET_TCP_CONNECT: return SocketUse::kTcpConnect;
    case CUSP_SOCKET_TCP_BIND: return SocketUse::kTcpBind;
    case CUSP_SOCKET_UDP: return SocketUse::kUdp;
    case CUSP_SOCKET_TCP_LISTEN: break;
  }
  return SocketUse::kTcpListen;
}

bool allow_address(void* user, cusp_socket_use use, cusp_bytes address, uint16_t port) noexcept {
  const auto& options = *static_cast<const ComponentOptions*>(user);
  return options.allow_address(to_socket_use(use), from_ffi(address), port);
}

}  // namespace

Result<std::unique_ptr<Component>> Component::load(const Engine& engine,
                                                   const std::string& artifact_path,
                                                   ComponentOptions options) {
  std::unique_ptr<Component> component(new Component(std::move(options)));
  ComponentOptions& kept = component->options_;
  const auto environment = views(kept.environment);
  const auto variables = views(kept.variables);
  std::vector<cusp_mount> mounts;
  for (const auto& [source, destination] : kept.mounts) {
    mounts.push_back({to_ffi(source), to_ffi(destination)});
  }
  const cusp_component_options native_options = {
      .id = to_ffi(kept.id),
      .environment = environment.data(),
      .environment_count = environment.size(),
      .variables = variables.data(),
      .variables_count = variables.size(),
      .mounts = mounts.data(),
      .mounts_count = mounts.size(),
      .memory_bytes_max = kept.memory_bytes_max,
      .table_elements_max = kept.table_elements_max,
      .subrequests_max = kept.subrequests_max,
      .allow_sockets = static_cast<bool>(kept.allow_address),
      .user = &kept,
      .allow_address = allow_address,
  };
  if (cusp_error* error = cusp_component_load(engine.native(), artifact_path.c_str(),
                                              &native_options, &component->native_)) {
    return std::unexpected(to_error(error));
  }
  component->world_ = to_world(from_ffi(cusp_component_world(component->native_)));
  return component;
}

Component::~Component() {
  if (native_ != nullptr) cusp_component_free(native_);
}

}  // namespace cusp::engine
