#include "host/key_value.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "host/call_end.h"
#include "io/asio.h"

namespace cusp::host {

namespace {

using engine::Arguments;
using engine::Blob;
using engine::Call;
using engine::CallFailure;
using engine::Value;
namespace kv = store::kv;
using StorePtr = std::shared_ptr<kv::Store>;  // shared with the component
using Found = Result<std::optional<kv::Entry>>;

constexpr size_t kPageKeys = 1000;

std::vector<std::string> texts(const Arguments& arguments, size_t from) {
  std::vector<std::string> result;
  for (size_t i = from; i < arguments.size(); ++i) result.emplace_back(arguments.text(i));
  return result;
}

void end_get(Call& call, const Found& found) {
  if (!found) return fail(call, found.error());
  if (!*found) return call.answer();
  call.answer({Blob{(*found)->value}, static_cast<int64_t>((*found)->revision)});
}

void end_exists(Call& call, const Found& found) {
  if (!found) return fail(call, found.error());
  call.answer({found->has_value()});
}

using EndRead = void (*)(Call&, const Found&);

io::Task<> read(StorePtr store, std::string key, EndRead end, Call call) {
  const Found found = co_await store->get(std::move(key));
  end(call, found);
}

io::Task<> get_many(StorePtr store, std::vector<std::string> keys, Call call) {
  std::vector<std::optional<kv::Entry>> entries;
  size_t bytes = 0;
  for (auto& key : keys) {
    Found found = co_await store->get(std::move(key));
    if (!found) co_return fail(call, found.error());
    if (*found) bytes += (*found)->value.size();
    if (bytes > limits::kKvWriteBytesMax) {
      co_return call.fail(CallFailure::kLimit, "these values are too large to be read at once");
    }
    entries.push_back(std::move(*found));
  }
  std::vector<Value> values;
  for (const auto& entry : entries) values.push_back(entry ? Value(Blob{entry->value}) : Value());
  call.answer(values);
}

io::Task<> list(StorePtr store, std::string after, Call call) {
  kv::ListOptions options{.after = std::move(after), .limit = kPageKeys};
  const auto page = co_await store->list(std::move(options));
  if (!page) co_return fail(call, page.error());
  std::vector<Value> values;
  values.push_back(page->next ? Value(std::string_view(*page->next)) : Value());
  for (const auto& listed : page->keys) values.emplace_back(std::string_view(listed.key));
  call.answer(values);
}

io::Task<> write(StorePtr store, kv::Write changes, Call call) {
  const auto written = co_await store->write(std::move(changes));
  if (!written) co_return fail(call, written.error());
  if (!written->applied) {
    co_return call.fail(CallFailure::kConflict, "the key was changed meanwhile");
  }
  if (written->sums.empty()) co_return call.answer();
  call.answer({written->sums.front()});
}

kv::Write sets(const Arguments& arguments) {
  kv::Write changes;
  for (size_t i = 1; i + 1 < arguments.size(); i += 2) {
    changes.push_back(
        kv::Change::set(std::string(arguments.text(i)), std::string(arguments.blob(i + 1))));
  }
  return changes;
}

kv::Write deletions(const Arguments& arguments) {
  kv::Write changes;
  for (size_t i = 1; i < arguments.size(); ++i) {
    changes.push_back(kv::Change::erase(std::string(arguments.text(i))));
  }
  return changes;
}

kv::Write swap(const Arguments& arguments) {
  auto change = kv::Change::set(std::string(arguments.text(1)), std::string(arguments.blob(3)));
  change.expected = static_cast<uint64_t>(arguments.integer(2));
  return {std::move(change)};
}

kv::Write increment(const Arguments& arguments) {
  return {kv::Change::increment(std::string(arguments.text(1)), arguments.integer(2))};
}

class KeyValue final : public Capability {
 public:
  explicit KeyValue(KeyValueStores stores) : stores_(std::move(stores)) {}

  void call(const Arguments& arguments, const Caller& caller, Call call) override {
    const std::string_view label = arguments.text(0);
    const auto found = stores_.find(label);
    if (found == stores_.end()) {
      return call.fail(CallFailure::kDenied,
                       fmt::format("the manifest does not name the store '{}' in the component's "
                                   "key_value_stores",
                                   label));
    }
    const StorePtr& store = found->second;
    switch (call.operation()) {
      case CUSP_KV_OPEN: return call.answer();
      case CUSP_KV_GET: return read_now(store, arguments.text(1), end_get, caller, std::move(call));
      case CUSP_KV_EXISTS:
        return read_now(store, arguments.text(1), end_exists, caller, std::move(call));
      case CUSP_KV_GET_MANY:
        return spawn(caller, get_many(store, texts(arguments, 1), std::move(call)));
      case CUSP_KV_LIST:
        return spawn(caller, list(store, std::string(arguments.text(1)), std::move(call)));
      case CUSP_KV_SET: return spawn(caller, write(store, sets(arguments), std::move(call)));
      case CUSP_KV_DELETE:
        return spawn(caller, write(store, deletions(arguments), std::move(call)));
      case CUSP_KV_INCREMENT:
        return spawn(caller, write(store, increment(arguments), std::move(call)));
      default: return spawn(caller, write(store, swap(arguments), std::move(call)));
    }
  }

 private:
  static void read_now(const StorePtr& store, std::string_view key, EndRead end,
                       const Caller& caller, Call call) {
    if (const auto found = store->try_get(key)) return end(call, *found);
    spawn(caller, read(store, std::string(key), end, std::move(call)));
  }

  const KeyValueStores stores_;
};

}  // namespace

std::shared_ptr<Capability> make_key_value(KeyValueStores stores) {
  return std::make_shared<KeyValue>(std::move(stores));
}

}  // namespace cusp::host
