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
// Shared with the call under way, so that it may be closed meanwhile. The guest's side makes one
// call of it at a time.
using ReaderPtr = std::shared_ptr<ObjectReader>;
using WriterPtr = std::shared_ptr<ObjectWriter>;
using ContainerPtr = std::shared_ptr<ObjectContainer>;  // shared with a copy's other half

constexpr int64_t kReadBytesMax = 1 * limits::kMiB;

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

void end_written(Call& call, const Result<>& result) {
  if (!result) return fail(call, result.error());
  call.answer();
}

io::Task<> head(ContainerPtr container, std::string key, Call call) {
  const auto found = co_await container->stat(std::move(key));
  if (!found) co_return fail(call, found.error());
  if (!*found) co_return call.answer();
  const int64_t modified = (*found)->modified.time_since_epoch().count();
  call.answer({static_cast<int64_t>((*found)->size), modified});
}

io::Task<> list(ContainerPtr container, std::string after, Call call) {
  const auto page = co_await container->list(std::move(after));
  if (!page) co_return fail(call, page.error());
  std::vector<Value> values;
  values.push_back(page->next ? Value(std::string_view(*page->next)) : Value());
  for (const auto& key : page->keys) values.emplace_back(std::string_view(key));
  call.answer(values);
}

io::Task<> remove(ContainerPtr container, std::vector<std::string> keys, Call call) {
  for (auto& key : keys) {
    const auto removed = co_await container->remove(std::move(key));
    if (!removed) co_return fail(call, removed.error());
  }
  call.answer();
}

// What is written meanwhile may stay.
io::Task<> clear(ContainerPtr container, Call call) {
  std::optional<std::string> after = "";
  while (after) {
    const auto page = co_await container->list(*after);
    if (!page) co_return fail(call, page.error());
    for (const auto& key : page->keys) {
      const auto removed = co_await container->remove(key);
      if (!removed) co_return fail(call, removed.error());
    }
    after = page->next;
  }
  call.answer();
}

// Between places that know nothing of each other.
io::Task<Result<Copied>> stream(ContainerPtr from, std::string key, ContainerPtr to,
                                std::string target) {
  CUSP_CO_TRY(const auto source, co_await from->open(std::move(key)));
  if (!source) co_return Copied::kNoObject;
  const auto written = to->create(std::move(target), source->fields());
  for (uint64_t offset = 0; offset < source->size();) {
    CUSP_CO_TRY(std::string bytes, co_await source->read(offset, kReadBytesMax));
    if (bytes.empty()) break;
    offset += bytes.size();
    CUSP_CO_CHECK(co_await written->append(std::move(bytes)));
  }
  CUSP_CO_CHECK(co_await written->finish());
  co_return Copied::kDone;
}

io::Task<> copy(ContainerPtr from, std::string key, ContainerPtr to, std::string target,
                Call call) {
  auto copied = co_await from->copy(key, *to, target);
  if (copied && *copied == Copied::kApart) copied = co_await stream(from, key, to, target);
  if (!copied) co_return fail(call, copied.error());
  if (*copied == Copied::kNoObject) co_return fail_missing(call, key);
  call.answer();
}

io::Task<> get(ContainerPtr container, std::string key, HandlesPtr handles, int64_t number,
               Call call) {
  ++handles->opening;
  auto found = co_await container->open(key);
  --handles->opening;
  if (!found) co_return fail(call, found.error());
  if (!*found) co_return fail_missing(call, key);
  const auto size = static_cast<int64_t>((*found)->size());
  handles->readers.emplace(number, std::move(*found));
  call.answer({number, size});
}

io::Task<> read(ReaderPtr reader, uint64_t offset, uint64_t most, Call call) {
  const auto bytes = co_await reader->read(offset, most);
  if (!bytes) co_return fail(call, bytes.error());
  call.answer({Blob{*bytes}});
}

io::Task<> write(WriterPtr writer, std::string bytes, Call call) {
  end_written(call, co_await writer->append(std::move(bytes)));
}

io::Task<> finish(WriterPtr writer, Call call) { end_written(call, co_await writer->finish()); }

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
    const ContainerPtr container = connect(arguments.text(0), caller, call);
    if (!container) return;
    if (call.operation() == CUSP_OBJECT_OPEN) return call.answer();
    if (call.operation() == CUSP_OBJECT_CLEAR)
      return spawn(caller, clear(container, std::move(call)));
    if (call.operation() == CUSP_OBJECT_DELETE) {
      return spawn(caller, remove(container, keys_of(arguments), std::move(call)));
    }
    std::string key(arguments.text(1));
    if (call.operation() == CUSP_OBJECT_HEAD) {
      return spawn(caller, head(container, std::move(key), std::move(call)));
    }
    if (call.operation() == CUSP_OBJECT_LIST) {
      return spawn(caller, list(container, std::move(key), std::move(call)));
    }
    if (call.operation() == CUSP_OBJECT_COPY) {
      const ContainerPtr to = connect(arguments.text(2), caller, call);
      if (!to) return;
      std::string target(arguments.text(3));
      return spawn(caller, copy(container, std::move(key), to, std::move(target), std::move(call)));
    }
    if (handles->full()) return fail_full(call);
    const int64_t number = ++last_;
    if (call.operation() == CUSP_OBJECT_GET) {
      return spawn(caller, get(container, std::move(key), handles, number, std::move(call)));
    }
    handles->writers.emplace(number, container->create(std::move(key), {}));
    call.answer({number});
  }

 private:
  // Null: the call has failed.
  ContainerPtr connect(std::string_view name, const Caller& caller, Call& call) const {
    const auto found = stores_.find(name);
    if (found != stores_.end()) return found->second->connect(caller);
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
