#include "node/guest_cache.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "edge/cache/app_cache.h"
#include "edge/limits/limiter.h"
#include "io/asio.h"

namespace cusp::node {

namespace {

using edge::cache::AppCache;
using edge::cache::Seconds;
using engine::Arguments;
using engine::Call;
using engine::CallFailure;

// What is wrong with an argument.
struct Problem {
  CallFailure failure = CallFailure::kLimit;
  std::string message;
};
using Check = std::optional<Problem>;  // nothing: it is fine

Check check_key(std::string_view key) {
  if (key.empty()) return Problem{CallFailure::kInvalid, "the key of a cache entry is empty"};
  if (key.size() <= limits::kEdgeCacheKeyBytesMax) return std::nullopt;
  return Problem{.message = fmt::format("the key of a cache entry has at most {} bytes, not {}",
                                        limits::kEdgeCacheKeyBytesMax, key.size())};
}

// As the fields that carry the tags of responses can: `cusp purge --tag` has to name it.
Check check_tag(std::string_view tag) {
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (tag.empty() || !std::ranges::all_of(tag, printable)) {
    return Problem{CallFailure::kInvalid, "a tag is printable ASCII without spaces, and not empty"};
  }
  if (tag.size() <= limits::kEdgeCacheTagBytesMax) return std::nullopt;
  return Problem{.message =
                     fmt::format("a tag has at most {} bytes", limits::kEdgeCacheTagBytesMax)};
}

// Where the arguments of CUSP_CACHE_INSERT stand.
enum : size_t { kKey, kBody, kMetadata, kFresh, kStale, kTags };

Check check_insert(const Arguments& arguments) {
  if (auto problem = check_key(arguments.text(kKey))) return problem;
  if (arguments.blob(kBody).size() > limits::kEdgeCacheBodyBytesMax) {
    return Problem{.message = fmt::format("the body of a cache entry has at most {} MiB",
                                          limits::kEdgeCacheBodyBytesMax / limits::kMiB)};
  }
  const auto metadata = arguments.optional_text(kMetadata);
  if (metadata && metadata->size() > limits::kEdgeCacheMetadataBytesMax) {
    return Problem{.message = fmt::format("the metadata of a cache entry has at most {} KiB",
                                          limits::kEdgeCacheMetadataBytesMax / limits::kKiB)};
  }
  for (const size_t time : {kFresh, kStale}) {
    if (Seconds(arguments.integer(time)) > limits::kEdgeCacheAgeMax) {
      return Problem{.message = fmt::format("a cache entry lives for at most {} days",
                                            limits::kEdgeCacheAgeMax.count())};
    }
  }
  if (arguments.size() - kTags > limits::kEdgeCacheTagsMax) {
    return Problem{.message =
                       fmt::format("a cache entry has at most {} tags", limits::kEdgeCacheTagsMax)};
  }
  for (size_t i = kTags; i < arguments.size(); ++i) {
    if (auto problem = check_tag(arguments.text(i))) return problem;
  }
  return std::nullopt;
}

void answer(Call& call, const std::optional<AppCache::Entry>& entry) {
  if (!entry) return call.answer();
  call.answer({engine::Blob{entry->body}, engine::to_value(entry->metadata),
               static_cast<int64_t>(entry->age.count()), entry->stale});
}

void refuse(Call& call, const Problem& problem) { call.fail(problem.failure, problem.message); }

class GuestCache final : public host::Capability, public std::enable_shared_from_this<GuestCache> {
 public:
  GuestCache(edge::cache::Cache& cache, io::BlockingPool& blocking, std::string app)
      : entries_(cache, std::move(app)), blocking_(blocking) {}

  void call(const Arguments& arguments, const host::Caller& caller, Call call) override {
    switch (call.operation()) {
      case CUSP_CACHE_GET: return get(arguments.text(kKey), caller, std::move(call));
      case CUSP_CACHE_INSERT: return insert(arguments, call);
      case CUSP_CACHE_DELETE: return erase(arguments.text(kKey), call);
      default:
        return purge(std::string(arguments.text(0)), arguments.boolean(1), caller, std::move(call));
    }
  }

 private:
  void get(std::string_view key, const host::Caller& caller, Call call) {
    if (const auto problem = check_key(key)) return refuse(call, *problem);
    const auto entry = entries_.find_in_memory(key);
    if (entry || !entries_.may_be_on_disk(key)) return answer(call, entry);
    go_on(caller, read(shared_from_this(), std::string(key), std::move(call)));
  }

  void insert(const Arguments& arguments, Call& call) {
    if (const auto problem = check_insert(arguments)) return refuse(call, *problem);
    AppCache::Options options{.fresh = Seconds(arguments.integer(kFresh)),
                              .stale = Seconds(arguments.integer(kStale))};
    for (size_t i = kTags; i < arguments.size(); ++i) options.tags.emplace_back(arguments.text(i));
    if (const auto metadata = arguments.optional_text(kMetadata)) options.metadata = *metadata;
    const auto result =
        entries_.insert(arguments.text(kKey), std::move(options), arguments.blob(kBody));
    if (!result) return call.fail(CallFailure::kLimit, result.error().message);
    call.answer();
  }

  void erase(std::string_view key, Call& call) {
    if (const auto problem = check_key(key)) return refuse(call, *problem);
    entries_.erase(key);
    call.answer();
  }

  // A purge looks at the whole cache, of all applications.
  void purge(std::string tag, bool soft, const host::Caller& caller, Call call) {
    if (const auto problem = check_tag(tag)) return refuse(call, *problem);
    if (!purges_.take("").allowed) {
      return call.fail(CallFailure::kLimit,
                       fmt::format("an application purges its cache at most {} times in a second",
                                   limits::kEdgeCachePurgesPerSecondMax));
    }
    go_on(caller, run_purge(shared_from_this(), std::move(tag), soft, std::move(call)));
  }

  static io::Task<void> read(std::shared_ptr<GuestCache> self, std::string key, Call call) {
    answer(call, co_await self->entries_.find(std::move(key)));
  }

  static io::Task<void> run_purge(std::shared_ptr<GuestCache> self, std::string tag, bool soft,
                                  Call call) {
    co_await self->blocking_.run([&] { self->entries_.purge_tag(std::move(tag), soft); });
    call.answer();
  }

  static void go_on(const host::Caller& caller, io::Task<void> task) {
    io::asio::co_spawn(caller.executor, std::move(task), io::asio::detached);
  }

  AppCache entries_;
  io::BlockingPool& blocking_;
  edge::Limiter purges_{{.algorithm = edge::Algorithm::kTokenBucket,
                         .limit = limits::kEdgeCachePurgesPerSecondMax,
                         .keys_max = edge::Limiter::kWays}};
};

}  // namespace

std::shared_ptr<host::Capability> make_guest_cache(edge::cache::Cache& cache,
                                                   io::BlockingPool& blocking, std::string app) {
  return std::make_shared<GuestCache>(cache, blocking, std::move(app));
}

}  // namespace cusp::node
