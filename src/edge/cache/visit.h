#pragma once

#include <memory>
#include <optional>
#include <string>

#include "edge/cache/core.h"
#include "edge/cache/filler.h"
#include "edge/cache/key.h"

namespace cusp::edge::cache {

// One request on its way through the cache. Lives in the frame of Cache::respond() or try_hit().
class Visit {
 public:
  Visit(Cache::Core& core, http::Request& request, const Policy& policy, Status& status);

  // From memory, when it is fresh.
  std::optional<http::Response> try_hit();
  io::Task<http::Response> run(std::shared_ptr<Origin> origin);

 private:
  bool is_for_cache() const;
  void prepare();
  ObjectPtr look_up();
  ObjectPtr choose(const Variants& variants);
  io::Task<ObjectPtr> look_up_on_disk();
  std::optional<http::Response> from_stored(const ObjectPtr& object, Use least);
  void tell_hit(const ObjectPtr& object);
  void revalidate(const ObjectPtr& object, io::Executor executor);
  void tell_forward(const ObjectPtr& object);

  io::Task<http::Response> fetch(ObjectPtr object);
  std::optional<http::Response> from_fill(Fill& fill, const Fill::Outcome& outcome, bool leads,
                                          io::Executor executor);
  std::unique_ptr<FillJob> make_job(const ObjectPtr& object) const;
  std::string fill_key(const ObjectPtr& object) const;

  // Past the cache.
  io::Task<http::Response> pass(Status::Forward why);
  io::Task<http::Response> alone();
  io::Task<http::Response> head(ObjectPtr object);
  void collect(http::Response& response, const http::Fields& asked, Time requested,
               uint64_t moment);
  bool stands_for_get(const http::Response& response) const;
  void invalidate(const http::Response& response);

  Cache::Core& core_;
  http::Request& request_;
  const Policy& policy_;
  Status& status_;
  const Time now_;
  const Directives asked_;
  Address address_;
  std::string key_;
  const std::string method_;
  std::shared_ptr<Origin> origin_;
  std::vector<std::string> vary_names_;  // of other variants of the key
};

}  // namespace cusp::edge::cache
