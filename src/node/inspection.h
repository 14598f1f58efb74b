#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What a developer's binary is and whether a node can serve it, without running it. Blocking.
namespace cusp::node {

enum class ImportStatus : uint8_t {
  kServed,   // Cusp provides it
  kKnown,    // links, and answers an error when called: not granted here
  kUnknown,  // stops the start of an app
};

std::string_view to_string(ImportStatus status);

struct Import {
  std::string name;  // "wasi:http/types@0.2.0"
  ImportStatus status = ImportStatus::kUnknown;
};

struct Producer {
  std::string field;  // "language", "processed-by" …
  std::string tool;
  std::string version;
};

struct Inspection {
  std::string path;
  std::string kind;                  // "component" or "core module"
  std::optional<std::string> world;  // "wasi:http/incoming-handler@0.2"; none: nothing to serve
  std::vector<std::string> exports;
  std::vector<Import> imports;
  uint64_t bytes = 0;
  uint64_t core_modules = 0;
  uint64_t memories = 0;
  uint64_t code_bytes = 0;
  std::vector<Producer> producers;

  // Why a node cannot serve it, one sentence each; empty when it can.
  std::vector<std::string> problems() const;
};

// Reads a .wasm or .wat file. Errors: kNotFound and the like for the file, kInvalidArgument for
// what is no WebAssembly or cannot become a component, each with the path as context.
Result<Inspection> inspect(const std::string& path);

// Starts the engine and ends it again, as every node does first. Answers the engine's fingerprint.
// Errors: kInternal when the address space for its pools cannot be had.
Result<std::string> try_engine();

}  // namespace cusp::node
