#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "http/client_connect.h"
#include "http/tunnel.h"

namespace cusp::http {

// The tunnel over a connection whose upstream has answered 101; `received` came right behind that.
// It ends when no byte has passed either way for `idle_timeout`.
std::unique_ptr<Tunnel> make_client_tunnel(io::Executor executor, Upstream upstream,
                                           std::string received,
                                           std::chrono::milliseconds idle_timeout);

}  // namespace cusp::http
