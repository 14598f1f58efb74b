#pragma once

#include <memory>
#include <string>

#include "edge/cache/core.h"
#include "edge/cache/detached.h"
#include "edge/cache/fill.h"
#include "edge/cache/key.h"

namespace cusp::edge::cache {

// What a fill asks the origin for, and about what.
struct FillJob {
  enum class Kind : uint8_t {
    kWhole,     // nothing usable is stored
    kValidate,  // `stored` is whole, and has to be validated
    kRange,     // the client wants one range; `stored` may be another part
    kComplete,  // `stored` is the first part of what is wanted
  };
  explicit FillJob(const http::Request& from) : asked(from) {}

  Kind kind = Kind::kWhole;
  DetachedRequest asked;  // as the client sent it, normalised
  Policy policy;
  std::shared_ptr<Origin> origin;
  Address address;
  std::string key;
  std::string fill_key;
  ObjectPtr stored;
};

// Does the job on `executor`, the shard that `origin` belongs to, on its own: it settles the fill,
// streams to its readers and stores what may be stored, whether or not anybody still waits.
void start_fill(std::shared_ptr<Cache::Core> core, std::shared_ptr<Fill> fill,
                std::unique_ptr<FillJob> job, io::Executor executor);

// An object without content for a response that `verdict` lets in; null when its Vary says "*".
std::shared_ptr<Object> make_object(const std::string& key, const Address& address,
                                    const Policy& policy, const http::Fields& request,
                                    const http::Response& response, const Verdict& verdict);

// `stored` as a 304, or a head that fits it, brings it up to date (RFC 9111 section 4.3.4).
std::shared_ptr<Object> freshened(const Object& stored, const http::Fields& request,
                                  const http::Response& update, const Policy& policy,
                                  Time requested, Time received);

}  // namespace cusp::edge::cache
