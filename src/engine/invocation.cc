// The life of an invocation: poll, park, wake, end. Kept in one file, so that the order in which
// things happen and are freed can be read from top to bottom.
#include "engine/invocation.h"

#include <time.h>

#include <algorithm>
#include <atomic>

#include "base/limits.h"
#include "engine/body_pump.h"
#include "engine/ffi.h"
#include "engine/outbound_impl.h"
#include "io/event.h"

namespace cusp::engine {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

nanoseconds thread_cpu_time() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

void free_instance(Instance* instance) {
  cusp_instance_free(reinterpret_cast<cusp_instance*>(instance));
}

// Whether the guest is being polled, and whether something happened that asks for another poll.
// Wake-ups come from any thread, everything else from the shard.
enum class Turn : uint8_t { kParked, kScheduled, kPolling, kPollingAgain };

class InvocationImpl final : public Invocation,
                             public std::enable_shared_from_this<InvocationImpl> {
 public:
  InvocationImpl(io::Executor executor, Parked& parked, bool command,
                 const InvocationLimits& limits, http::Request& request,
                 std::unique_ptr<InvocationHost> host)
      : executor_(executor),
        parked_(parked),
        command_(command),
        limits_(limits),
        host_(std::move(host)),
        connection_(request.connection),
        request_body_(std::move(request.body)),
        changed_(executor) {}
  ~InvocationImpl() override { release(); }

  void attach(cusp_invocation* native) { native_ = native; }
  static const cusp_callbacks kCallbacks;

  io::Task<std::expected<http::Response, Failure>> respond() override;
  void cancel(FailureKind kind) override { end({kind, std::string(to_string(kind))}); }
  InstancePtr take_instance() override;
  bool has_slow_client() const override;

  // The response's body, for GuestBody.
  io::Task<Result<http::BodyPart>> read_body();
  bool body_ready();
  std::optional<Result<http::BodyPart>> try_read_body();
  void drop_body();

 private:
  void poll();
  bool turn();
  bool feed();
  static io::Task<void> feed_later(std::weak_ptr<InvocationImpl> invocation,
                                   std::shared_ptr<BodyPump> pump);
  void charge(nanoseconds elapsed, bool yielded);
  void park();
  std::shared_ptr<InvocationImpl> unpark();
  void wake();
  void schedule();
  void queue_up();
  void drive();
  http::Response make_response(const cusp_response& head);
  std::optional<http::BodyPart> poll_body();
  Failure native_failure() const;
  void finish();
  void end(Failure failure);
  void report();
  void release();
  void want_request_body();

  io::Executor executor_;
  Parked& parked_;
  const bool command_;  // has no head of its own: all that it writes is body
  const InvocationLimits limits_;
  std::unique_ptr<InvocationHost> host_;
  http::Connection* connection_;  // until the response's body is gone
  std::unique_ptr<http::Body> request_body_;
  cusp_invocation* native_ = nullptr;
  std::shared_ptr<BodyPump> pump_;           // shared with its coroutine
  std::shared_ptr<InvocationImpl> running_;  // itself while the guest is parked, reader or not
  io::Event changed_;                        // a poll was made, or all is over
  std::optional<io::Timer> deadline_;        // set when the guest first parks
  std::atomic<Turn> turn_ = Turn::kParked;
  std::optional<Failure> failure_;
  std::optional<http::BodyPart> next_part_;
  std::optional<Clock::time_point> part_taken_at_;  // its reader is busy with it
  Clock::time_point started_ = Clock::now();
  nanoseconds cpu_time_{0};
  bool first_turn_ = true;
  bool in_line_ = false;     // of the shard's run queue
  int turns_ahead_ = 0;      // taken since the shard last had its way
  bool finished_ = false;    // the guest has returned
  bool body_taken_ = false;  // a GuestBody exists
};

// The response's body, read by the session.
class GuestBody final : public http::Body {
 public:
  explicit GuestBody(std::shared_ptr<InvocationImpl> invocation)
      : invocation_(std::move(invocation)) {}
  ~GuestBody() override { invocation_->drop_body(); }

  io::Task<Result<http::BodyPart>> read() override { return invocation_->read_body(); }
  bool ready() override { return invocation_->body_ready(); }
  std::optional<Result<http::BodyPart>> try_read() override { return invocation_->try_read_body(); }

 private:
  std::shared_ptr<InvocationImpl> invocation_;  // shared with the shard's wake-ups
};

InvocationImpl& self(void* user) { return *static_cast<InvocationImpl*>(user); }

const cusp_callbacks InvocationImpl::kCallbacks = {
    .wake = [](void* user) noexcept { self(user).wake(); },
    .body_wanted = [](void* user) noexcept { self(user).want_request_body(); },
    .output =
        [](void* user, cusp_stdio stream, cusp_bytes data) noexcept {
          const Stdio kind = stream == CUSP_STDOUT ? Stdio::kStdout : Stdio::kStderr;
          self(user).host_->output(kind, engine::from_ffi(data));
        },
    .outbound =
        [](void* user, cusp_outbound* outbound) noexcept {
          self(user).host_->outbound(make_outbound(self(user).executor_, outbound));
        },
    .outbound_body_wanted = [](void* user) noexcept { outbound_body_wanted(user); },
    .call =
        [](void* user, cusp_operation operation, const cusp_value* arguments, size_t count,
           cusp_call* call) noexcept {
          self(user).host_->call({arguments, count}, {operation, call});
        },
};

// ---- polling ----------------------------------------------------------------------------------
// How many turns a guest may take, or parts of its bodies be moved, before other work of the shard.
constexpr int kTurnsAhead = 16;

// Turns of the guest, as long as parts of the request's body are there to go on with: what is moved
// through a guest without a trip through the loop is still in the processor's cache. A guest that
// has returned may have passed that body on as its own: then it is fed alone.
void InvocationImpl::poll() {
  bool yielded = false;
  do {
    turn_.store(Turn::kPolling, std::memory_order_relaxed);
    yielded = !finished_ && turn();
    if (failure_) return;
  } while (!yielded && feed() && !finished_);
  const bool woken = turn_.exchange(Turn::kParked) == Turn::kPollingAgain;
  if (finished_) return;
  if (yielded) {
    queue_up();
  } else if (woken) {
    schedule();
  }
}

void InvocationImpl::queue_up() {
  turn_.store(Turn::kScheduled);
  if (std::exchange(in_line_, true)) return;  // its reader has made the turn that it waits for
  parked_.run_queue().add(executor_, [invocation = shared_from_this()] {
    invocation->in_line_ = false;
    invocation->drive();
  });
}

// One turn; whether it ended because the guest has used up its time slice.
bool InvocationImpl::turn() {
  const bool by_cpu = !first_turn_;
  const nanoseconds before = by_cpu ? thread_cpu_time() : Clock::now().time_since_epoch();
  const cusp_progress progress = cusp_invocation_poll(native_);
  const nanoseconds after = by_cpu ? thread_cpu_time() : Clock::now().time_since_epoch();

  const bool yielded = progress == CUSP_YIELDED;
  if (progress == CUSP_FAILED) {
    end(native_failure());
  } else if (progress == CUSP_FINISHED) {
    finish();
  } else {
    charge(after - before, yielded);
  }
  return yielded;
}

// Gives the guest the part of its request's body that it asks for, if that is there and the shard
// need not do something else first; waits for it otherwise.
bool InvocationImpl::feed() {
  if (!pump_) return false;
  if (!pump_->open()) {
    std::exchange(pump_, nullptr)->stop();
    return false;
  }
  if (!pump_->wanted()) return false;
  if (++turns_ahead_ < kTurnsAhead && pump_->try_feed()) return true;
  io::asio::co_spawn(executor_, feed_later(weak_from_this(), pump_), io::asio::detached);
  return false;
}

io::Task<void> InvocationImpl::feed_later(std::weak_ptr<InvocationImpl> invocation,
                                          std::shared_ptr<BodyPump> pump) {
  auto part = co_await pump->read();
  const auto keep = invocation.lock();
  Turn expected = Turn::kParked;
  const bool takes_turn = keep && !keep->finished_ && !keep->failure_ &&
                          keep->turn_.compare_exchange_strong(expected, Turn::kPolling);
  pump->deliver(std::move(part));
  if (!takes_turn) co_return;  // one is coming, or there will never be another
  keep->turns_ahead_ = 0;
  keep->poll();
  keep->changed_.notify();
}

// The first turn, for most guests the only one, is measured by the clock on the wall, which costs
// nothing to read, and charged with one time slice at most: beyond that the machine was busy with
// something else. The turns after it are charged by the CPU time of the thread.
void InvocationImpl::charge(nanoseconds elapsed, bool yielded) {
  cpu_time_ += first_turn_ ? std::min<nanoseconds>(elapsed, limits::kGuestEpoch) : elapsed;
  first_turn_ = false;
  if (yielded && cpu_time_ > limits_.cpu_time_max) {
    end({FailureKind::kCpuLimit, "used more CPU time than its limit allows"});
  }
}

// The guest waits for something: from here on it has a deadline, its client is watched, and it
// keeps itself alive.
void InvocationImpl::park() {
  if (running_) return;
  running_ = shared_from_this();
  parked_.add(*this);
  deadline_.emplace(executor_, started_ + limits_.wall_time_max);
  deadline_->async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto invocation = weak.lock();
    if (!invocation || error) return;
    invocation->end({FailureKind::kWallLimit, "ran longer than its limit allows"});
  });
  if (connection_ == nullptr) return;
  connection_->on_client_gone([weak = weak_from_this()] {
    if (const auto invocation = weak.lock()) invocation->cancel(FailureKind::kClientGone);
  });
}

// The end of waiting. The caller holds what is returned for as long as it touches the invocation.
std::shared_ptr<InvocationImpl> InvocationImpl::unpark() {
  deadline_.reset();
  if (running_) parked_.remove(*this);
  return std::exchange(running_, nullptr);
}

void InvocationImpl::wake() {
  Turn turn = turn_.load();
  while (turn == Turn::kParked || turn == Turn::kPolling) {
    const Turn next = turn == Turn::kPolling ? Turn::kPollingAgain : Turn::kScheduled;
    if (!turn_.compare_exchange_weak(turn, next)) continue;
    if (next == Turn::kScheduled) schedule();
    return;
  }
}

void InvocationImpl::schedule() {
  turn_.store(Turn::kScheduled);
  // Empty when the last owner is just letting go on the shard, while this runs on a thread of the
  // engine.
  auto invocation = weak_from_this().lock();
  if (!invocation) return;
  io::asio::post(executor_, [invocation = std::move(invocation)] { invocation->drive(); });
}

void InvocationImpl::drive() {
  turns_ahead_ = 0;
  // A reader of the response may have made the turn already.
  if (turn_.load() == Turn::kScheduled && !failure_) poll();
  changed_.notify();
}

// ---- the response -----------------------------------------------------------------------------
io::Task<std::expected<http::Response, Failure>> InvocationImpl::respond() {
  poll();
  while (!failure_) {
    cusp_response head = {.status = 200};
    if (command_ || cusp_invocation_take_response(native_, &head)) co_return make_response(head);
    if (finished_) {
      end(native_failure());
      break;
    }
    park();
    co_await changed_.wait();
  }
  co_return std::unexpected(*failure_);
}

http::Response InvocationImpl::make_response(const cusp_response& head) {
  http::Response response{.status = head.status,
                          .fields = engine::from_ffi(head.fields, head.fields_count)};
  next_part_ = poll_body();
  if (!finished_ && !failure_) park();
  if (next_part_ && next_part_->end && !next_part_->trailers) {
    // Short and complete, as most are: the session gets it as one piece, and nothing of the guest
    // needs to stay.
    if (!next_part_->data.empty()) response.body = http::make_body(std::move(next_part_->data));
    drop_body();
    return response;
  }
  body_taken_ = true;
  response.body = std::make_unique<GuestBody>(shared_from_this());
  return response;
}

// What is there of the body. The last chunk says that it is the last, which saves the session a
// write.
std::optional<http::BodyPart> InvocationImpl::poll_body() {
  http::BodyPart part;
  cusp_chunk chunk;
  while (part.data.size() < limits::kBodyChunkBytes) {
    const cusp_body_state state = cusp_invocation_poll_body(native_, &chunk);
    if (state == CUSP_BODY_CHUNK) {
      part.data.append(engine::from_ffi(chunk.data));
    } else if (state == CUSP_BODY_END) {
      part.end = true;
      if (chunk.trailers_count > 0) {
        part.trailers = engine::from_ffi(chunk.trailers, chunk.trailers_count);
      }
      return part;
    } else if (state == CUSP_BODY_ERROR) {
      end({FailureKind::kTrap, "the guest broke its response off"});
      return std::nullopt;
    } else {
      break;
    }
  }
  if (part.data.empty()) return std::nullopt;
  return part;
}

bool InvocationImpl::body_ready() {
  if (!next_part_ && !failure_) next_part_ = poll_body();
  return next_part_.has_value() || failure_.has_value();
}

// A guest that was woken, most likely by the part that was read before, takes its turn now instead
// of behind all else that the shard has to do; one that has used up a time slice does not.
std::optional<Result<http::BodyPart>> InvocationImpl::try_read_body() {
  const auto keep = shared_from_this();
  part_taken_at_.reset();
  while (!body_ready()) {
    if (turn_.load() != Turn::kScheduled || in_line_) return std::nullopt;
    if (++turns_ahead_ >= kTurnsAhead) return std::nullopt;
    poll();
  }
  if (next_part_) {
    if (!finished_) part_taken_at_ = Clock::now();
    return *std::exchange(next_part_, std::nullopt);
  }
  return fail(ErrorCode::kUnavailable, std::string(to_string(failure_->kind)));
}

io::Task<Result<http::BodyPart>> InvocationImpl::read_body() {
  while (true) {
    if (auto part = try_read_body()) co_return std::move(*part);
    co_await changed_.wait();
  }
}

bool InvocationImpl::has_slow_client() const {
  const auto reading_since = pump_ ? pump_->reading_since() : std::nullopt;
  const auto since = reading_since ? reading_since : part_taken_at_;
  const auto patience = since ? host_->patience() : std::nullopt;
  return patience && Clock::now() - *since > *patience;
}

// Nobody reads the body any more. The guest may still have work to do, without its client.
void InvocationImpl::drop_body() {
  const auto keep = shared_from_this();
  if (connection_ != nullptr && running_) connection_->on_client_gone({});
  connection_ = nullptr;
  if (pump_) std::exchange(pump_, nullptr)->stop();
  request_body_.reset();
  if (finished_ || failure_) return release();
  cusp_invocation_drop_body(native_);
}

// The guest asks for its request's body: feed() sees to it after this turn. Or whoever reads a body
// asks that the guest has passed it on to, in no turn at all.
void InvocationImpl::want_request_body() {
  if (!pump_ && request_body_ && native_ != nullptr) {
    pump_ = std::make_shared<BodyPump>(executor_, cusp_invocation_request_body(native_),
                                       std::move(request_body_));
  }
  Turn expected = Turn::kParked;
  if (pump_ && turn_.compare_exchange_strong(expected, Turn::kScheduled)) schedule();
}

// ---- the end ----------------------------------------------------------------------------------
Failure InvocationImpl::native_failure() const {
  cusp_bytes message;
  const cusp_failure kind = cusp_invocation_failure(native_, &message);
  return {engine::from_ffi(kind), std::string(engine::from_ffi(message))};
}

// The guest has returned. Its body may still be on its way out.
void InvocationImpl::finish() {
  finished_ = true;
  report();
  const auto keep = unpark();
}

void InvocationImpl::end(Failure failure) {
  if (failure_) return;
  const bool reported = finished_;
  failure_ = std::move(failure);
  if (!reported) report();
  const auto keep = unpark();
  release();
  changed_.notify();
}

void InvocationImpl::report() {
  Report report{.failure = failure_,
                .cpu_time = cpu_time_,
                .wall_time = Clock::now() - started_,
                .memory_peak_bytes = cusp_invocation_memory_peak(native_)};
  host_->ended(report);
}

InstancePtr InvocationImpl::take_instance() {
  cusp_instance* instance =
      finished_ && native_ != nullptr ? cusp_invocation_take_instance(native_) : nullptr;
  return {reinterpret_cast<Instance*>(instance), free_instance};
}

void InvocationImpl::release() {
  if (pump_) std::exchange(pump_, nullptr)->stop();
  if (native_ != nullptr) cusp_invocation_free(std::exchange(native_, nullptr));
}

}  // namespace

std::shared_ptr<Invocation> Invocation::start(io::Executor executor, Parked& parked,
                                              const Component& component, http::Request& request,
                                              InstancePtr instance, bool keep,
                                              const InvocationLimits& limits,
                                              std::unique_ptr<InvocationHost> host) {
  const auto fields = to_ffi(request.fields);
  const cusp_request native_request = {
      .method = to_ffi(request.method),
      .scheme = to_ffi(request.scheme),
      .authority = to_ffi(request.authority),
      .target = to_ffi(request.target),
      .fields = fields.data(),
      .fields_count = fields.size(),
      .has_body = request.body != nullptr,
  };
  auto invocation =
      std::make_shared<InvocationImpl>(executor, parked, false, limits, request, std::move(host));
  invocation->attach(cusp_invocation_start(
      component.native(), reinterpret_cast<cusp_instance*>(instance.release()), keep,
      &native_request, &InvocationImpl::kCallbacks, invocation.get()));
  return invocation;
}

std::shared_ptr<Invocation> Invocation::start_command(io::Executor executor, Parked& parked,
                                                      const Component& component, Command command,
                                                      http::Request& request,
                                                      const InvocationLimits& limits,
                                                      std::unique_ptr<InvocationHost> host) {
  std::vector<cusp_field> environment;
  for (const auto& [name, value] : command.environment) {
    environment.push_back({to_ffi(name), to_ffi(value)});
  }
  std::vector<cusp_bytes> arguments;
  for (const auto& argument : command.arguments) arguments.push_back(to_ffi(argument));
  const bool has_body = request.body != nullptr;
  auto invocation =
      std::make_shared<InvocationImpl>(executor, parked, true, limits, request, std::move(host));
  invocation->attach(cusp_invocation_start_command(
      component.native(), environment.data(), environment.size(), arguments.data(),
      arguments.size(), has_body, &InvocationImpl::kCallbacks, invocation.get()));
  return invocation;
}

}  // namespace cusp::engine
