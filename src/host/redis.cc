#include "host/redis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <deque>
#include <map>
#include <utility>

#include "base/limits.h"
#include "host/call_end.h"
#include "host/redis_address.h"
#include "host/redis_link.h"

namespace cusp::host {

namespace {

using engine::Arguments;
using engine::Blob;
using engine::Call;
using engine::CallFailure;
using engine::Value;
using RulesPtr = std::shared_ptr<const OutboundRules>;  // shared by a component's invocations

constexpr size_t kConnectionsMax = 16;  // of one invocation
constexpr size_t kWaitingMax = 256;     // commands of one connection
constexpr size_t kCommandBytesMax = 16 * limits::kMiB;

// They make a server send what no command has asked for.
constexpr std::array<std::string_view, 6> kRefused{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
                                                   "MONITOR",   "SYNC",       "PSYNC"};

bool is_refused(std::string_view command) {
  std::string upper(command);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return std::ranges::find(kRefused, upper) != kRefused.end();
}

Result<RedisAddress> permitted(std::string_view text, const OutboundRules& rules) {
  CUSP_TRY(RedisAddress address, RedisAddress::parse(text));
  if (rules.allows(address.scheme, address.host, address.port)) return address;
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the manifest's allowed_outbound_hosts does not list {}://{}:{}",
                          address.scheme, address.host, address.port));
}

// The words of a command, from the third argument on; empty: they are too long.
std::vector<std::string> words_of(const Arguments& arguments) {
  std::vector<std::string> words;
  size_t bytes = 0;
  for (size_t i = 2; i < arguments.size(); ++i) {
    const Value value = arguments[i];
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      words.push_back(std::to_string(*integer));
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      words.emplace_back(blob->bytes);
    } else {
      words.emplace_back(arguments.text(i));
    }
    bytes += words.back().size();
    if (bytes > kCommandBytesMax) return {};
  }
  return words;
}

void end(Call& call, const Result<RedisReply>& reply) {
  if (!reply) return call.fail(CallFailure::kOther, reply.error().message);
  if (!reply->error.empty()) {
    const bool type = reply->error.starts_with("WRONGTYPE") ||
                      reply->error.starts_with("ERR value is not an integer");
    return call.fail(type ? CallFailure::kConflict : CallFailure::kOther, reply->error);
  }
  struct View {
    Value operator()(std::monostate) const { return {}; }
    Value operator()(int64_t integer) const { return integer; }
    Value operator()(const RedisStatus& status) const { return std::string_view(status.text); }
    Value operator()(const std::string& bytes) const { return Blob{bytes}; }
  };
  std::vector<Value> values;
  values.reserve(reply->values.size());
  for (const auto& value : reply->values) values.push_back(std::visit(View(), value));
  call.answer(values);
}

// A connection on its invocation's shard; kept alive by its coroutine, too.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const RedisAddress& address, RulesPtr rules, const Caller& caller)
      : link_(
            address,
            [rules = std::move(rules), scheme = address.scheme, host = address.host](
                std::string_view resolved, uint16_t port) {
              return rules->allows_address(scheme, host, resolved, port);
            },
            caller.executor, *caller.connector) {}

  void send(std::vector<std::string> words, Call call, const Caller& caller) {
    if (waiting_.size() >= kWaitingMax) {
      return call.fail(CallFailure::kBusy, "too many commands of this connection wait");
    }
    waiting_.push_back({format_redis_command(words), std::move(call)});
    if (!std::exchange(busy_, true)) spawn(caller, run(shared_from_this()));
  }

  // A connection on its way is closed when it is there.
  void close() { link_.close(); }

 private:
  struct Waiting {
    std::string command;
    Call call;
  };

  static io::Task<> run(std::shared_ptr<Connection> self) {
    while (!self->waiting_.empty()) {
      Waiting next = std::move(self->waiting_.front());
      self->waiting_.pop_front();
      const auto reply = co_await self->perform(next.command);
      end(next.call, reply);
    }
    self->busy_ = false;
  }

  // What has failed once is not made anew: the guest may have begun a transaction on it.
  io::Task<Result<RedisReply>> perform(const std::string& command) {
    if (!failed_.empty()) co_return fail(ErrorCode::kUnavailable, failed_);
    if (!link_.connected()) {
      auto ready = co_await link_.connect();
      if (!ready) co_return give_up(std::move(ready.error()));
    }
    auto reply = co_await link_.exchange(command);
    if (!reply) co_return give_up(std::move(reply.error()));
    co_return reply;
  }

  std::unexpected<Error> give_up(Error error) {
    link_.close();
    failed_ = error.message;
    return std::unexpected(std::move(error));
  }

  RedisLink link_;
  std::deque<Waiting> waiting_;
  std::string failed_;
  bool busy_ = false;
};

// The connections of one invocation, by number and address.
struct Connections : Scope::Part {
  ~Connections() override {
    for (const auto& [key, connection] : open) connection->close();
  }
  std::map<std::pair<int64_t, std::string>, std::shared_ptr<Connection>> open;
};

class Redis final : public Capability {
 public:
  explicit Redis(RulesPtr rules) : rules_(std::move(rules)) {}

  void call(const Arguments& arguments, const Caller& caller, Call call) override {
    auto& open = caller.scope.part<Connections>(this).open;
    if (call.operation() == CUSP_REDIS_OPEN) {
      const auto address = permitted(arguments.text(0), *rules_);
      if (!address) return fail(call, address.error());
      return call.answer({++connections_});
    }
    std::pair key(arguments.integer(0), std::string(arguments.text(1)));
    const auto found = open.find(key);
    if (call.operation() == CUSP_REDIS_CLOSE) {
      if (found == open.end()) return call.answer();
      found->second->close();
      open.erase(found);
      return call.answer();
    }
    if (is_refused(arguments.text(2))) {
      return call.fail(CallFailure::kOther,
                       "commands that change what a connection is for, such "
                       "as SUBSCRIBE and MONITOR, are not available");
    }
    auto words = words_of(arguments);
    if (words.empty()) {
      return call.fail(CallFailure::kOther,
                       fmt::format("a command has {} bytes at most", kCommandBytesMax));
    }
    if (found != open.end()) return found->second->send(std::move(words), std::move(call), caller);
    auto address = permitted(key.second, *rules_);
    if (!address) return fail(call, address.error());
    if (open.size() >= kConnectionsMax) {
      return call.fail(CallFailure::kLimit, "too many connections to Redis are open");
    }
    const auto connection = std::make_shared<Connection>(*address, rules_, caller);
    open.emplace(std::move(key), connection);
    connection->send(std::move(words), std::move(call), caller);
  }

 private:
  const RulesPtr rules_;
  std::atomic<int64_t> connections_ = 0;
};

}  // namespace

std::shared_ptr<Capability> make_redis(std::shared_ptr<const OutboundRules> rules) {
  return std::make_shared<Redis>(std::move(rules));
}

}  // namespace cusp::host
