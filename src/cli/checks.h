#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What `cusp doctor` looks at. Each check answers what it found and, unless all is well, what to
// do.
namespace cusp::cli {

enum class Verdict : uint8_t {
  kOk,
  kWarning,  // a node runs, but slower, or a template's toolchain is missing
  kProblem,  // no node runs
};

std::string_view to_string(Verdict verdict);  // "ok", "warning", "problem"

struct Check {
  std::string name;  // "kernel"
  Verdict verdict = Verdict::kOk;
  std::string found;  // "6.12.1"
  std::string fix;    // empty when all is well
};

// Kernel, PAGEMAP_SCAN, cores, memory, open files.
std::vector<Check> check_machine();
// Whether the engine gets the address space for its pools.
Check check_engine();
// Whether files can be made in the folder; makes it when it is missing.
Check check_state_directory(const std::string& folder);
// Whether a listener can be bound there now.
Check check_port(const std::string& address, uint16_t port);
// What each template of `cusp new` needs.
std::vector<Check> check_toolchains();

// "6.12.1-amd64" is at least 6.7. False for what is no version.
bool kernel_at_least(std::string_view release, int major, int minor);

}  // namespace cusp::cli
