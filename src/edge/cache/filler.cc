#include "edge/cache/filler.h"

#include <algorithm>

#include "edge/cache/tee_body.h"
#include "edge/cache/validation.h"
#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

// For how long requests for a key whose response was not for sharing go straight to the origin.
constexpr Seconds kAloneTime{10};

bool is_error(uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

class Filler {
 public:
  Filler(std::shared_ptr<Cache::Core> core, std::shared_ptr<Fill> fill,
         std::unique_ptr<FillJob> job, io::Executor executor)
      : core_(std::move(core)),
        fill_(std::move(fill)),
        job_(std::move(job)),
        executor_(executor),
        moment_(core_->purges.now()) {}
  ~Filler() {
    core_->filling_bytes -= held_;
    core_->fills.close(job_->fill_key, fill_);
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  io::Task<void> run();

 private:
  using Outcome = Fill::Outcome;

  io::Task<void> ask(bool with_conditions);
  bool settle_with_stored();
  void settle_alone(const char* reason);
  bool begin_part();
  bool begin_completion();
  void begin(std::shared_ptr<Object> object, std::optional<uint64_t> length, bool store);
  io::Task<void> stream();
  io::Task<bool> take(Block block);
  io::Task<void> overflow(bool too_large);
  io::Task<void> write(Block block);
  io::Task<void> commit(std::optional<http::Fields> trailers);
  void store(std::optional<http::Fields> trailers);

  std::shared_ptr<Cache::Core> core_;
  std::shared_ptr<Fill> fill_;
  std::unique_ptr<FillJob> job_;
  const io::Executor executor_;
  const uint64_t moment_;  // of the purge log

  std::shared_ptr<DetachedRequest> sent_;  // shared: with the body of a lone response
  http::Response response_;
  Time requested_;
  Time received_;
  Verdict verdict_;

  std::shared_ptr<Object> object_;  // what is being made
  bool storing_ = false;
  bool keeping_ = true;  // all of the body, for readers who come later
  uint64_t held_ = 0;
  uint64_t size_ = 0;  // of the body so far
  Content content_;
  std::unique_ptr<Disk::Writer> writer_;  // of what memory does not take
};

io::Task<void> Filler::ask(bool with_conditions) {
  sent_ = std::make_shared<DetachedRequest>(job_->asked.request);
  http::Fields& fields = sent_->request.fields;
  if (job_->kind != FillJob::Kind::kRange) {
    fields.remove("range");
    remove_conditions(fields);
  }
  if (with_conditions && job_->kind == FillJob::Kind::kValidate) {
    add_validators(fields, *job_->stored);
  }
  if (with_conditions && job_->kind == FillJob::Kind::kComplete) {
    const Object& part = *job_->stored;
    fields.set("range", "bytes=" + std::to_string(part.part->range.end) + "-");
    if (part.etag() && strong_equal(*part.etag(), *part.etag()))
      fields.set("if-range", *part.etag());
  }
  if (!job_->policy.surrogate_device.empty()) {
    fields.set("surrogate-capability", job_->policy.surrogate_device + "=\"Surrogate/1.0\"");
  }
  requested_ = core_->now();
  response_ = co_await job_->origin->fetch(sent_->request);
  received_ = core_->now();
}

io::Task<void> Filler::run() {
  co_await ask(true);
  if (settle_with_stored()) co_return;
  if (job_->kind == FillJob::Kind::kComplete && response_.status == 206 && !begin_completion()) {
    co_await ask(false);
  }
  if (!object_) {
    verdict_ = judge(job_->asked.request.fields, response_, job_->policy, requested_, received_);
    const bool part = response_.status == 206;
    if (!verdict_.store && is_error(response_.status) && verdict_.shareable) {
      // Those who wait share an error; asking again for each would not help the origin.
      auto object = make_object(job_->key, job_->address, job_->policy, job_->asked.request.fields,
                                response_, verdict_);
      if (!object) co_return settle_alone("vary");
      begin(std::move(object), std::nullopt, false);
    } else if (!verdict_.store) {
      co_return settle_alone(verdict_.reason);
    } else if (part ? !begin_part() : false) {
      co_return settle_alone("range");
    } else if (!part) {
      auto object = make_object(job_->key, job_->address, job_->policy, job_->asked.request.fields,
                                response_, verdict_);
      if (!object) co_return settle_alone("vary");
      const auto size = response_.body ? response_.body->size() : 0;
      if (size && *size > core_->object_bytes_max(job_->policy)) co_return settle_alone("size");
      begin(std::move(object), size, true);
    }
  }
  co_await stream();
}

// What is stored is the answer: it was validated, or the origin is down. False: it is not.
bool Filler::settle_with_stored() {
  if (job_->kind != FillJob::Kind::kValidate) return false;
  if (response_.status == 304) {
    auto object = freshened(*job_->stored, job_->asked.request.fields, response_, job_->policy,
                            requested_, received_);
    ++core_->counters.revalidations;
    const bool purged = core_->purges.hit_since(moment_, *object);
    if (!purged) core_->put(object, moment_);
    fill_->settle({.kind = Outcome::Kind::kObject,
                   .object = std::move(object),
                   .forward_status = 304,
                   .stored = !purged});
    return true;
  }
  if (!is_error(response_.status) || !usable_on_error(job_->stored->freshness, received_)) {
    return false;
  }
  ++core_->counters.stale_hits;
  fill_->settle({.kind = Outcome::Kind::kObject,
                 .object = job_->stored,
                 .forward_status = response_.status,
                 .detail = "stale-if-error"});
  return true;
}

// The response is for the leader alone, and those who wait ask for themselves.
void Filler::settle_alone(const char* reason) {
  if (!is_error(response_.status)) {
    core_->fills.mark(job_->fill_key, received_ + kAloneTime);
    // The origin has said something newer that is not for storing.
    if (job_->stored) core_->drop(job_->stored);
  }
  core_->fills.close(job_->fill_key, fill_);
  if (response_.body)
    response_.body = std::make_unique<KeepingBody>(std::move(response_.body), sent_);
  Outcome outcome{.kind = Outcome::Kind::kAlone, .detail = reason};
  fill_->settle(std::move(outcome), std::move(response_));
}

// A 206 to a client's range: stored as what it is, a part.
bool Filler::begin_part() {
  const auto field = response_.fields.get("content-range");
  auto range = field ? parse_content_range(*field) : std::nullopt;
  if (!range || job_->kind != FillJob::Kind::kRange) return false;
  const auto size = response_.body ? response_.body->size() : 0;
  if (!size || *size == 0 || *size > core_->object_bytes_max(job_->policy)) return false;
  if (*size != range->range.size()) {
    // The two lengths contradict each other. Where the range goes to the end, the body's length is
    // the one to believe: it is what readers count.
    if (range->range.end != range->complete || *size > range->range.size()) return false;
    range->range.end = range->range.first + *size;
    range->complete = range->range.end;
  }
  auto object = make_object(job_->key, job_->address, job_->policy, job_->asked.request.fields,
                            response_, verdict_);
  if (!object) return false;
  object->part = range;
  begin(std::move(object), size, true);
  return true;
}

// The rest of what is stored in part has come: together they are the whole (RFC 9111 section 3.4).
// False when the two do not belong together.
bool Filler::begin_completion() {
  const Object& part = *job_->stored;
  const auto field = response_.fields.get("content-range");
  const auto range = field ? parse_content_range(*field) : std::nullopt;
  const auto etag = response_.fields.get("etag");
  if (!range || !etag || !part.etag() || !strong_equal(*etag, *part.etag())) return false;
  if (range->range.first != part.part->range.end || range->range.end != range->complete ||
      range->complete != part.part->complete ||
      range->complete > core_->object_bytes_max(job_->policy)) {
    return false;
  }
  auto object =
      freshened(part, job_->asked.request.fields, response_, job_->policy, requested_, received_);
  object->status = 200;
  object->fields.remove("content-range");
  object->part.reset();
  object->content = {};
  begin(std::move(object), range->complete, true);
  for (const Block& block : part.content.blocks) {
    content_.append(block);
    fill_->append(block);
  }
  size_ = content_.size;
  return true;
}

void Filler::begin(std::shared_ptr<Object> object, std::optional<uint64_t> length, bool store) {
  storing_ = store;
  object_ = std::move(object);
  auto head = std::make_shared<Object>(*object_);
  if (!store) core_->fills.close(job_->fill_key, fill_);
  fill_->settle({.kind = Outcome::Kind::kBody,
                 .object = std::move(head),
                 .length = length,
                 .stored = store,
                 .detail = verdict_.reason});
}

io::Task<void> Filler::stream() {
  std::unique_ptr<http::Body> body = std::move(response_.body);
  std::optional<http::Fields> trailers;
  for (bool end = body == nullptr; !end;) {
    auto part = co_await body->read();
    if (!part) {
      fill_->fail(std::move(part.error()));
      co_return;
    }
    end = part->end;
    if (part->trailers) trailers = std::move(part->trailers);
    if (part->data.empty()) continue;
    auto block = std::make_shared<const std::string>(std::move(part->data));
    if (co_await take(std::move(block))) continue;
    fill_->fail({ErrorCode::kCancelled, "nobody reads the response", {}});
    co_return;
  }
  if (storing_) store(trailers);
  if (writer_) co_await commit(trailers);
  fill_->finish(std::move(trailers));
}

// Hands a block to the readers and keeps it while there is room. False: nobody wants more.
io::Task<bool> Filler::take(Block block) {
  size_ += block->size();
  const bool too_large = size_ > core_->object_bytes_max(job_->policy);
  if (!keeping_) {
    fill_->append(block);
    if (too_large) writer_.reset();
    if (writer_) co_await write(std::move(block));
    const bool is_read = co_await fill_->wait_for_readers(executor_);
    co_return is_read || writer_;
  }
  const uint64_t size = block->capacity() + sizeof(Block);
  held_ += size;
  const uint64_t all = core_->filling_bytes += size;
  content_.append(block);
  fill_->append(std::move(block));
  const bool fits =
      size_ <= core_->store.object_bytes_max() && all <= core_->options.memory_bytes_max;
  if (too_large || !fits) co_await overflow(too_large);
  co_return true;
}

// Memory does not take it: from here on it goes to disk as it comes, or is not stored.
io::Task<void> Filler::overflow(bool too_large) {
  keeping_ = false;
  const bool to_disk = storing_ && !too_large && !object_->part && core_->disk;
  storing_ = false;
  if (to_disk) writer_ = core_->disk->begin(*object_);
  core_->fills.close(job_->fill_key, fill_);
  if (!to_disk) core_->fills.mark(job_->fill_key, core_->now() + kAloneTime);
  // Lets those who were woken by the head come for the body.
  co_await io::asio::post(executor_, io::use_task);
  fill_->stop_keeping();
  for (const Block& block : content_.blocks) {
    if (writer_) co_await write(block);
  }
  content_ = {};
  core_->filling_bytes -= std::exchange(held_, 0);
}

io::Task<void> Filler::write(Block block) {
  if (!co_await writer_->append(std::move(block))) writer_.reset();
}

io::Task<void> Filler::commit(std::optional<http::Fields> trailers) {
  object_->content.size = size_;
  object_->trailers = std::move(trailers);
  if (!co_await writer_->commit(*object_)) co_return;
  ++core_->counters.stored;
  core_->put_written(*object_, moment_);
}

void Filler::store(std::optional<http::Fields> trailers) {
  // What came as a part and is longer or shorter than its range would be told wrongly.
  if (object_->part && content_.size != object_->part->range.size()) return;
  object_->content = compacted(std::move(content_));
  object_->trailers = std::move(trailers);
  ++core_->counters.stored;
  core_->put(object_, moment_);
}

}  // namespace

void start_fill(std::shared_ptr<Cache::Core> core, std::shared_ptr<Fill> fill,
                std::unique_ptr<FillJob> job, io::Executor executor) {
  io::asio::co_spawn(
      executor,
      [](std::shared_ptr<Cache::Core> shared, std::shared_ptr<Fill> into,
         std::unique_ptr<FillJob> what, io::Executor on) -> io::Task<void> {
        Filler filler(std::move(shared), std::move(into), std::move(what), on);
        co_await filler.run();
      }(std::move(core), std::move(fill), std::move(job), executor),
      io::asio::detached);
}

std::shared_ptr<Object> make_object(const std::string& key, const Address& address,
                                    const Policy& policy, const http::Fields& request,
                                    const http::Response& response, const Verdict& verdict) {
  auto variance = variance_of(request, response.fields);
  if (!variance) return nullptr;
  auto object = std::make_shared<Object>();
  object->key = key;
  object->url = address.url();
  object->name_space = policy.name_space;
  object->variance = std::move(*variance);
  object->status = response.status;
  object->fields =
      stored_fields(response.fields, verdict.withheld_fields, verdict.freshness.received);
  object->freshness = verdict.freshness;
  object->tags = tags_of(response.fields);
  return object;
}

std::shared_ptr<Object> freshened(const Object& stored, const http::Fields& request,
                                  const http::Response& update, const Policy& policy,
                                  Time requested, Time received) {
  auto object = std::make_shared<Object>(stored);
  http::Response whole{.status = stored.status};
  whole.fields = freshened_fields(stored.fields, update.fields);
  if (!update.fields.get("date")) whole.fields.remove("date");  // the old one; it is made now
  const Verdict verdict = judge(request, whole, policy, requested, received);
  object->fields = stored_fields(whole.fields, verdict.withheld_fields, received);
  object->freshness = verdict.freshness;
  object->freshness.received = received;
  object->freshness.validate_always |= !verdict.store;
  object->tags = tags_of(whole.fields);
  return object;
}

}  // namespace cusp::edge::cache
