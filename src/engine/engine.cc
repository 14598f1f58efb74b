#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "engine/ffi.h"

namespace cusp::engine {

// Ends time slices at a steady pace.
class Engine::Ticker {
 public:
  explicit Ticker(cusp_engine* engine) : thread_([this, engine] { run(engine); }) {}

  ~Ticker() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

 private:
  void run(cusp_engine* engine) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, limits::kGuestEpoch, [this] { return stopped_; })) {
      cusp_engine_tick(engine);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;
};

namespace {

// The bytes that a call of the ABI made, or its error.
template <class Call>
Result<std::string> bytes_of(Call call) {
  cusp_buffer* made = nullptr;
  if (cusp_error* error = call(&made)) return std::unexpected(to_error(error));
  return to_string(Buffer(made));
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& requested) {
  EngineOptions options = requested;
#if __has_feature(thread_sanitizer)
  // Its shadow leaves room for a few TiB of address space, and an instance reserves 8 GiB.
  options.instances_max = std::min(options.instances_max, 256u);
#endif
  const cusp_engine_options native_options = {
      .instances_max = options.instances_max,
      .memory_keep_resident = options.memory_keep_resident,
      .stack_keep_resident = options.stack_keep_resident,
      .table_keep_resident = options.table_keep_resident,
  };
  cusp_engine* native = nullptr;
  if (cusp_error* error = cusp_engine_create(&native_options, &native)) {
    return std::unexpected(to_error(error));
  }
  return std::unique_ptr<Engine>(new Engine(native));
}

Engine::Engine(cusp_engine* native) : native_(native), ticker_(std::make_unique<Ticker>(native)) {}

Engine::~Engine() {
  ticker_.reset();
  cusp_engine_free(native_);
}

std::string Engine::fingerprint() const {
  return to_string(Buffer(cusp_engine_fingerprint(native_)));
}

Result<std::string> Engine::compile(std::string_view wasm) const {
  return bytes_of([&](cusp_buffer** out) { return cusp_compile(native_, to_ffi(wasm), out); });
}

Result<std::string> componentize(std::string_view wasm) {
  return bytes_of([&](cusp_buffer** out) { return cusp_componentize(to_ffi(wasm), out); });
}

Result<std::string> compose(std::string_view wasm,
                            const std::vector<std::pair<std::string, std::string>>& dependencies) {
  std::vector<cusp_bytes> imports;
  std::vector<cusp_bytes> components;
  for (const auto& [import, component] : dependencies) {
    imports.push_back(to_ffi(import));
    components.push_back(to_ffi(component));
  }
  return bytes_of([&](cusp_buffer** out) {
    return cusp_compose(to_ffi(wasm), imports.data(), components.data(), imports.size(), out);
  });
}

Result<std::string> describe(std::string_view wasm) {
  return bytes_of([&](cusp_buffer** out) { return cusp_describe(to_ffi(wasm), out); });
}

}  // namespace cusp::engine
