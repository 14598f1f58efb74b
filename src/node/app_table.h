#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/deployment.h"

namespace cusp::node {

// Which app answers for a host name. Immutable: a change makes a new table, which each shard takes
// up between two requests.
class AppTable {
 public:
  // Errors: kAlreadyExists when two apps claim the same host, naming both.
  static Result<std::shared_ptr<const AppTable>> create(
      std::vector<std::shared_ptr<const Deployment>> apps);

  // An exact name beats "*.example.com", the longest of those beats the others, and all beat an app
  // without hosts. `authority` may carry a port. Null when no app answers.
  const std::shared_ptr<const Deployment>* find(std::string_view authority) const;
  const std::vector<std::shared_ptr<const Deployment>>& apps() const { return apps_; }

 private:
  struct Host {
    std::string name;  // lower case; for a wildcard ".example.com"
    bool wildcard;
    size_t app;
  };
  std::vector<std::shared_ptr<const Deployment>> apps_;
  std::vector<Host> hosts_;
  const std::shared_ptr<const Deployment>* any_ = nullptr;
};

}  // namespace cusp::node
