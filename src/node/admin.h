#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/message.h"

namespace cusp::node {

// What an operator's tools ask a node, on a listener of its own ([admin] in the configuration; the
// endpoints stand in docs/operations/admin-api.md). Lives on one shard.
class AdminHandler final : public http::Handler {
 public:
  using Answer = std::function<io::Task<http::Response>(http::Request& request)>;

  struct Endpoint {
    std::string method;
    std::string path;  // as a whole, without a query
    bool needs_token;  // of the state folder, in "authorization: Bearer …" (RFC 6750)
    Answer answer;
  };

  // `token`: of load_token(state folder + "/admin.token").
  AdminHandler(std::string token, std::vector<Endpoint> endpoints)
      : token_(std::move(token)), endpoints_(std::move(endpoints)) {}

  io::Task<http::Response> respond(http::Request& request) override;

 private:
  bool authorized(const http::Request& request) const;

  const std::string token_;
  const std::vector<Endpoint> endpoints_;
};

}  // namespace cusp::node
