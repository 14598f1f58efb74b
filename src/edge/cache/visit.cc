#include "edge/cache/visit.h"

#include <algorithm>

#include "edge/cache/answer.h"
#include "edge/cache/validation.h"
#include "io/asio.h"

namespace cusp::edge::cache {

Visit::Visit(Cache::Core& core, http::Request& request, const Policy& policy, Status& status)
    : core_(core),
      request_(request),
      policy_(policy),
      status_(status),
      now_(core.now()),
      asked_(parse_request_directives(request.fields)),
      method_(request.method) {
  address_ = address_of(request, policy);
}

// Only what GET and HEAD ask for without a body; no-store wants no trace of it here.
bool Visit::is_for_cache() const {
  return (method_ == "GET" || method_ == "HEAD") && !request_.body && request_.upgrade.empty() &&
         !asked_.no_store;
}

// What does not join the key does not reach the origin.
void Visit::prepare() {
  key_ = make_key(request_, address_, policy_);
  std::vector<std::string> hidden;
  for (const auto [name, value] : request_.fields) {
    if (is_unkeyed(name, policy_)) hidden.emplace_back(name);
  }
  for (const std::string& name : hidden) request_.fields.remove(name);
}

// ---- what is stored

ObjectPtr Visit::look_up() {
  const auto variants = core_.store.find(key_);
  return variants ? choose(*variants) : nullptr;
}

ObjectPtr Visit::choose(const Variants& variants) {
  for (const ObjectPtr& object : variants) {
    if (object->coding.empty() && object->variance.matches(request_.fields)) return object;
  }
  vary_names_.clear();
  for (const auto& choice : variants.front()->variance.choices) vary_names_.push_back(choice.name);
  return nullptr;
}

io::Task<ObjectPtr> Visit::look_up_on_disk() {
  if (!core_.disk || !core_.disk->may_have(key_)) co_return nullptr;
  const uint64_t moment = core_.purges.now();
  const Variants variants = co_await core_.disk->load(key_, now_);
  if (variants.empty()) co_return nullptr;
  const ObjectPtr object = choose(variants);
  if (!object || object->key != key_ || core_.purges.hit_since(moment, *object)) co_return nullptr;
  if (!object->file) core_.store.insert(object);
  co_return object;
}

// An answer from what is stored, when it is good for at least that.
std::optional<http::Response> Visit::from_stored(const ObjectPtr& object, Use least) {
  const Use use = use_of(object->freshness, asked_, policy_, now_);
  if (use > least) return std::nullopt;
  std::optional<http::Response> response;
  if (!object->part) {
    response = answer(object, request_, now_);
  } else if (use == Use::kFresh && method_ == "GET") {
    const auto range = request_.fields.get("range");
    const auto held = range ? covered(*object, *range) : std::nullopt;
    if (held && range_counts(request_.fields, *object, now_))
      response = answer_part(*object, *held, now_);
  }
  if (response) tell_hit(object);
  return response;
}

void Visit::tell_hit(const ObjectPtr& object) {
  status_.hit = true;
  if (!object->part && !object->file) status_.made_of = object;
  status_.ttl = std::chrono::floor<Seconds>(object->freshness.left(now_));
  ++(*status_.ttl < Seconds(0) ? core_.counters.stale_hits : core_.counters.hits);
}

std::optional<http::Response> Visit::try_hit() {
  if (!is_for_cache()) return std::nullopt;
  prepare();
  const ObjectPtr object = look_up();
  return object ? from_stored(object, Use::kFresh) : std::nullopt;
}

// ---- the way through

io::Task<http::Response> Visit::run(std::shared_ptr<Origin> origin) {
  origin_ = std::move(origin);
  if (!is_for_cache()) {
    const bool known = method_ == "GET" || method_ == "HEAD";
    co_return co_await pass(known ? Status::Forward::kBypass : Status::Forward::kMethod);
  }
  prepare();
  ObjectPtr object = look_up();
  if (!object) object = co_await look_up_on_disk();
  if (object) {
    if (auto response = from_stored(object, Use::kStaleWhileRevalidate)) {
      if (use_of(object->freshness, asked_, policy_, now_) == Use::kStaleWhileRevalidate)
        revalidate(object, co_await io::asio::this_coro::executor);
      co_return std::move(*response);
    }
  }
  tell_forward(object);
  if (asked_.only_if_cached) co_return answer_not_cached();
  ++core_.counters.misses;
  if (method_ == "HEAD") co_return co_await head(std::move(object));
  const bool marked = !object && core_.fills.is_marked(fill_key(object), now_);
  if (marked || request_.fields.get("if-range")) co_return co_await alone();
  co_return co_await fetch(std::move(object));
}

void Visit::tell_forward(const ObjectPtr& object) {
  if (!object) {
    status_.forward = vary_names_.empty() ? Status::Forward::kUriMiss : Status::Forward::kVaryMiss;
    return;
  }
  const bool fresh = object->freshness.left(now_) > Seconds(0);
  status_.forward = !fresh         ? Status::Forward::kStale
                    : object->part ? Status::Forward::kPartial
                                   : Status::Forward::kRequest;
}

// Asks the origin behind the client's back; one such request for each key.
void Visit::revalidate(const ObjectPtr& object, io::Executor executor) {
  auto job = make_job(object);
  const Fills::Joined joined = core_.fills.join(job->fill_key);
  if (joined.leads) start_fill(core_.shared_from_this(), joined.fill, std::move(job), executor);
}

std::unique_ptr<FillJob> Visit::make_job(const ObjectPtr& object) const {
  auto job = std::make_unique<FillJob>(request_);
  job->asked.request.method = "GET";
  job->asked.request.target = address_.target();
  job->policy = policy_;
  job->origin = origin_;
  job->address = address_;
  job->key = key_;
  job->fill_key = fill_key(object);
  job->stored = object;
  const bool range = request_.fields.get("range").has_value();
  const bool fresh = object && object->freshness.left(now_) > Seconds(0);
  if (object && !object->part) {
    job->kind = FillJob::Kind::kValidate;
  } else if (range) {
    job->kind = FillJob::Kind::kRange;
  } else if (object && fresh && object->part->range.first == 0 &&
             object->part->range.end < object->part->complete) {
    job->kind = FillJob::Kind::kComplete;
  }
  return job;
}

// Requests wait for each other only where they can expect the same: not for another variant, for
// another range, or for what may be somebody's alone.
std::string Visit::fill_key(const ObjectPtr& object) const {
  std::string key = key_;
  for (const std::string& name : vary_names_) {
    const auto value = request_.fields.get_all(name);
    const std::string text = value ? normalised_value(name, *value) : "";
    key += std::to_string(text.size()) + (value ? "=" : "-") + text + ',';
  }
  if (request_.fields.get("authorization")) key += "authorization,";
  const auto range = request_.fields.get("range");
  if (range && (!object || object->part)) key.append("range=").append(*range);
  return key;
}

// Through a fill: one's own, or one that is under way.
io::Task<http::Response> Visit::fetch(ObjectPtr object) {
  const io::Executor executor = co_await io::asio::this_coro::executor;
  auto job = make_job(object);
  const std::string fill_key = job->fill_key;
  const Fills::Joined joined = core_.fills.join(fill_key);
  if (joined.leads) {
    // Another fill may have ended between the look into the store and the join.
    const ObjectPtr newer = look_up();
    if (newer && newer != object) {
      if (auto response = from_stored(newer, Use::kFresh)) {
        core_.fills.close(fill_key, joined.fill);
        joined.fill->settle({.kind = Fill::Outcome::Kind::kObject, .object = newer});
        co_return std::move(*response);
      }
    }
    start_fill(core_.shared_from_this(), joined.fill, std::move(job), executor);
  }
  const Fill::Outcome outcome = co_await joined.fill->wait(executor);
  if (auto response = from_fill(*joined.fill, outcome, joined.leads, executor))
    co_return std::move(*response);
  co_return co_await alone();
}

// Nothing when the outcome is not for this request.
std::optional<http::Response> Visit::from_fill(Fill& fill, const Fill::Outcome& outcome, bool leads,
                                               io::Executor executor) {
  std::optional<http::Response> response;
  const Time now = core_.now();
  if (outcome.kind == Fill::Outcome::Kind::kAlone) {
    status_.detail = outcome.detail;
    if (leads) response = fill.take_lone();
    return response;
  }
  if (!leads && !outcome.object->variance.matches(request_.fields)) return std::nullopt;
  response = outcome.kind == Fill::Outcome::Kind::kObject
                 ? answer(outcome.object, request_, now)
                 : answer(fill, outcome, request_, executor, now);
  if (!response) return response;
  status_.detail = outcome.detail;
  status_.stored = outcome.stored;
  status_.forward_status = outcome.forward_status;
  status_.collapsed = !leads;
  status_.ttl = std::chrono::floor<Seconds>(outcome.object->freshness.left(now));
  if (!leads) ++core_.counters.collapsed;
  return response;
}

}  // namespace cusp::edge::cache
