#include "host/object_store.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "host/call_end.h"

namespace cusp::host {

namespace {

using engine::Arguments;
using engine::Blob;
using engine::Call;
using engine::CallFailure;
using engine::Value;
namespace object = store::object;
using BucketPtr = std::shared_ptr<object::Bucket>;  // shared with the component

constexpr size_t kPageKeys = 1000;
constexpr int64_t kReadBytesMax = 1 * limits::kMiB;

// An object that a guest reads or writes; shared with the call under way, so that it may be closed
// meanwhile. The guest's side makes one call of it at a time.
struct Reader {
  object::Object object;
};
struct Writer {
  BucketPtr bucket;
  std::string key;
  object::Incoming incoming;
};
using ReaderPtr = std::shared_ptr<Reader>;
using WriterPtr = std::shared_ptr<Writer>;

// Those of one invocation, by the numbers that its guest knows.
struct Handles {
  std::map<int64_t, ReaderPtr> readers;
  std::map<int64_t, WriterPtr> writers;
  size_t opening = 0;  // readers on their way

  bool full() const {
    return readers.size() + writers.size() + opening >= limits::kGuestObjectsMax;
  }
};
using HandlesPtr = std::shared_ptr<Handles>;  // shared with the reader that is being opened

struct Part : Scope::Part {
  HandlesPtr handles = std::make_shared<Handles>();
};

void fail_missing(Call& call, std::string_view key) {
  call.fail(CallFailure::kNotFound, fmt::format("there is no object '{}'", key));
}

void fail_handle(Call& call) { call.fail(CallFailure::kNotFound, "the object is closed"); }

void fail_full(Call& call) {
  call.fail(CallFailure::kLimit, fmt::format("an invocation reads and writes {} objects at once",
                                             limits::kGuestObjectsMax));
}

template <class T>
void end_written(Call& call, const Result<T>& result) {
  if (!result) return fail(call, result.error());
  call.answer();
}

io::Task<> head(BucketPtr bucket, std::string key, Call call) {
  const auto found = co_await bucket->head(std::move(key));
  if (!found) co_return fail(call, found.error());
  if (!*found) co_return call.answer();
  const auto modified =
      std::chrono::floor<std::chrono::seconds>((*found)->modified.time_since_epoch());
  call.answer({static_cast<int64_t>((*found)->size), static_cast<int64_t>(modified.count())});
}

io::Task<> list(BucketPtr bucket, std::string after, Call call) {
  object::ListOptions options{.after = std::move(after), .limit = kPageKeys};
  const auto page = co_await bucket->list(std::move(options));
  if (!page) co_return fail(call, page.error());
  std::vector<Value> values;
  values.push_back(page->next ? Value(std::string_view(*page->next)) : Value());
  for (const auto& listed : page->objects) values.emplace_back(std::string_view(listed.key));
  call.answer(values);
}

io::Task<> remove(BucketPtr bucket, std::vector<std::string> keys, Call call) {
  for (auto& key : keys) {
    const auto removed = co_await bucket->remove(std::move(key));
    if (!removed) co_return fail(call, removed.error());
  }
  call.answer();
}

// What is written meanwhile may stay.
io::Task<> clear(BucketPtr bucket, Call call) {
  std::optional<std::string> after = "";
  while (after) {
    object::ListOptions options{.after = *after, .limit = kPageKeys};
    const auto page = co_await bucket->list(std::move(options));
    if (!page) co_return fail(call, page.error());
    for (const auto& listed : page->objects) {
      const auto removed = co_await bucket->remove(listed.key);
      if (!removed) co_return fail(call, removed.error());
    }
    after = page->next;
  }
  call.answer();
}

io::Task<> copy(BucketPtr from, std::string key, BucketPtr to, std::string target, Call call) {
  const auto source = co_await from->get(key);
  if (!source) co_return fail(call, source.error());
  if (!*source) co_return fail_missing(call, key);
  object::PutOptions options{.fields = (*source)->head().fields, .condition = {}};
  end_written(call, co_await to->copy(**source, std::move(target), std::move(options)));
}

io::Task<> get(BucketPtr bucket, std::string key, HandlesPtr handles, int64_t number, Call call) {
  ++handles->opening;
  auto found = co_await bucket->get(key);
  --handles->opening;
  if (!found) co_return fail(call, found.error());
  if (!*found) co_return fail_missing(call, key);
  const auto size = static_cast<int64_t>((*found)->head().size);
  handles->readers.emplace(number, std::make_shared<Reader>(std::move(**found)));
  call.answer({number, size});
}

io::Task<> read(ReaderPtr reader, uint64_t offset, uint64_t most, Call call) {
  const auto bytes = co_await reader->object.read(offset, most);
  if (!bytes) co_return fail(call, bytes.error());
  call.answer({Blob{*bytes}});
}

io::Task<> write(WriterPtr writer, std::string bytes, Call call) {
  end_written(call, co_await writer->incoming.append(bytes));
}

io::Task<> finish(WriterPtr writer, Call call) {
  auto received = co_await writer->incoming.finish();
  if (!received) co_return fail(call, received.error());
  end_written(call, co_await writer->bucket->put(std::move(writer->key), std::move(*received), {}));
}

std::vector<std::string> keys_of(const Arguments& arguments) {
  std::vector<std::string> keys;
  for (size_t i = 1; i < arguments.size(); ++i) keys.emplace_back(arguments.text(i));
  return keys;
}

class ObjectStore final : public Capability {
 public:
  explicit ObjectStore(ObjectStores stores) : stores_(std::move(stores)) {}

  void call(const Arguments& arguments, const Caller& caller, Call call) override {
    const HandlesPtr& handles = caller.scope.part<Part>(this).handles;
    switch (call.operation()) {
      case CUSP_OBJECT_READ:
      case CUSP_OBJECT_WRITE:
      case CUSP_OBJECT_FINISH:
      case CUSP_OBJECT_CLOSE: return call_handle(arguments, caller, *handles, std::move(call));
      default: break;
    }
    const BucketPtr bucket = find(arguments.text(0), call);
    if (!bucket) return;
    if (call.operation() == CUSP_OBJECT_OPEN) return call.answer();
    if (call.operation() == CUSP_OBJECT_CLEAR) return spawn(caller, clear(bucket, std::move(call)));
    if (call.operation() == CUSP_OBJECT_DELETE) {
      return spawn(caller, remove(bucket, keys_of(arguments), std::move(call)));
    }
    std::string key(arguments.text(1));
    if (call.operation() == CUSP_OBJECT_HEAD) {
      return spawn(caller, head(bucket, std::move(key), std::move(call)));
    }
    if (call.operation() == CUSP_OBJECT_LIST) {
      return spawn(caller, list(bucket, std::move(key), std::move(call)));
    }
    if (call.operation() == CUSP_OBJECT_COPY) {
      const BucketPtr to = find(arguments.text(2), call);
      if (!to) return;
      std::string target(arguments.text(3));
      return spawn(caller, copy(bucket, std::move(key), to, std::move(target), std::move(call)));
    }
    if (handles->full()) return fail_full(call);
    const int64_t number = ++last_;
    if (call.operation() == CUSP_OBJECT_GET) {
      return spawn(caller, get(bucket, std::move(key), handles, number, std::move(call)));
    }
    handles->writers.emplace(
        number, std::make_shared<Writer>(Writer{bucket, std::move(key), bucket->receive()}));
    call.answer({number});
  }

 private:
  // Null: the call has failed.
  BucketPtr find(std::string_view name, Call& call) const {
    const auto found = stores_.find(name);
    if (found != stores_.end()) return found->second;
    call.fail(CallFailure::kDenied,
              fmt::format("the manifest does not name the store '{}' in the component's "
                          "object_stores",
                          name));
    return nullptr;
  }

  static void call_handle(const Arguments& arguments, const Caller& caller, Handles& handles,
                          Call call) {
    const int64_t number = arguments.integer(0);
    if (call.operation() == CUSP_OBJECT_CLOSE) {
      handles.readers.erase(number);
      handles.writers.erase(number);
      return call.answer();
    }
    if (call.operation() == CUSP_OBJECT_READ) {
      const auto reader = handles.readers.find(number);
      if (reader == handles.readers.end()) return fail_handle(call);
      const auto offset = static_cast<uint64_t>(arguments.integer(1));
      const auto most =
          static_cast<uint64_t>(std::clamp<int64_t>(arguments.integer(2), 1, kReadBytesMax));
      return spawn(caller, read(reader->second, offset, most, std::move(call)));
    }
    const auto writer = handles.writers.find(number);
    if (writer == handles.writers.end()) return fail_handle(call);
    if (call.operation() == CUSP_OBJECT_WRITE) {
      return spawn(caller, write(writer->second, std::string(arguments.blob(1)), std::move(call)));
    }
    const WriterPtr last = std::move(writer->second);
    handles.writers.erase(writer);
    spawn(caller, finish(last, std::move(call)));
  }

  const ObjectStores stores_;
  // Numbers are used once: an instance that is kept may know some of its last request.
  std::atomic<int64_t> last_ = 0;
};

}  // namespace

std::shared_ptr<Capability> make_object_store(ObjectStores stores) {
  return std::make_shared<ObjectStore>(std::move(stores));
}

}  // namespace cusp::host
