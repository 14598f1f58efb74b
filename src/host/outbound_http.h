#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/outbound.h"
#include "http/client.h"
#include "io/task.h"

namespace cusp::host {

// Where the HTTP requests of a component may go. Plain functions, so that the rules can come from
// any manifest. Immutable, called on any shard.
struct OutboundRules {
  // Before the name is resolved.
  std::function<bool(std::string_view scheme, std::string_view host, uint16_t port)> allows;
  // For each address that it resolved to.
  std::function<bool(std::string_view scheme, std::string_view host, std::string_view address,
                     uint16_t port)>
      allows_address;
  // Whether `host` stands for the app itself ("self") or one of its components
  // ("name.spin.internal").
  std::function<bool(std::string_view host)> is_local;
  // Answers a request to the app itself without leaving the process. Called on the shard of the
  // guest.
  std::function<io::Task<http::Response>(http::Request& request)> local;
};

// The requests that one invocation has under way; destroying it cancels them. Belongs to one shard.
class OutboundCalls {
 public:
  // `client` and `local`, which answers what stays in the app, outlive the calls.
  OutboundCalls(io::Executor executor, http::Client& client, std::shared_ptr<http::Handler> local,
                std::shared_ptr<const OutboundRules> rules);
  ~OutboundCalls();

  // Sends it in the background, or answers that it may not be sent.
  void send(std::unique_ptr<engine::Outbound> outbound);

 private:
  struct Call;
  io::Executor executor_;
  http::Client& client_;
  std::shared_ptr<http::Handler> local_;        // shared with the calls under way
  std::shared_ptr<const OutboundRules> rules_;  // shared by all invocations of a component
  std::vector<std::weak_ptr<Call>> calls_;
};

}  // namespace cusp::host
