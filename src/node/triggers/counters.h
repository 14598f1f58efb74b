#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Registry;
}

namespace cusp::node::triggers {

// What triggers have done, for a node's metrics. Thread-safe.
class Counters {
 public:
  explicit Counters(prometheus::Registry& registry);
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // Messages that were delivered; `outcome`: "done", "retried", "dead".
  void messages(const std::string& app, const std::string& queue, std::string_view outcome,
                size_t count = 1);
  // What came in a channel of Redis's; `outcome`: "done", "failed".
  void published(const std::string& app, const std::string& component, std::string_view outcome);
  // Times that a cron trigger came; `outcome`: "done", "failed", "skipped".
  void run(const std::string& app, const std::string& component, std::string_view outcome);

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace cusp::node::triggers
