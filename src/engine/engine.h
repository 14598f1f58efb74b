#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

struct cusp_engine;

namespace cusp::engine {

struct EngineOptions {
  // Instances alive at once in the whole process; one more is answered with 503.
  uint32_t instances_max = 4096;
  // What of an instance's memory, stack and tables stays resident for the next one: resetting a
  // page by copying costs a tenth of giving it back to the kernel and faulting it in again.
  size_t memory_keep_resident = 1 << 20;
  size_t stack_keep_resident = 64 << 10;
  size_t table_keep_resident = 16 << 10;
};

// The WebAssembly engine of a process. Thread-safe. Owns the thread that ends the time slices of
// running guests (limits::kGuestEpoch). Outlives every component and invocation.
class Engine {
 public:
  // Errors: kInternal when the address space for the pools cannot be reserved.
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Names version, settings and CPU features; part of an artifact's key.
  std::string fingerprint() const;

  // Compiles a component binary to an artifact that Component::load maps. Uses all cores and blocks
  // for as long as it takes (a second per megabyte or so): call it on the blocking pool. Errors:
  // kInvalidArgument.
  Result<std::string> compile(std::string_view wasm) const;

  cusp_engine* native() const { return native_; }

 private:
  class Ticker;
  explicit Engine(cusp_engine* native);
  cusp_engine* native_;
  std::unique_ptr<Ticker> ticker_;
};

// A component binary from what a developer has: a component, a core module with embedded component
// types, a WASI command module, or the text form of one. Errors: kInvalidArgument. Blocks;
// thread-safe.
Result<std::string> componentize(std::string_view wasm);

// Satisfies imports of `wasm`: each pair is an import's name and the component that exports it.
// Errors: kInvalidArgument naming the dependency.
Result<std::string> compose(std::string_view wasm,
                            const std::vector<std::pair<std::string, std::string>>& dependencies);

// What a component is, as JSON (see cusp_describe in cusp_engine.h). Errors: kInvalidArgument.
Result<std::string> describe(std::string_view wasm);

}  // namespace cusp::engine
