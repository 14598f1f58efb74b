#include "cli/checks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/types.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/limits.h"
#include "node/inspection.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

constexpr rlim_t kOpenFilesWanted = 65'536;
constexpr uint64_t kMemoryWanted = 512 * limits::kMiB;

// linux/fs.h of Linux 6.7; Debian 12 builds with older headers.
struct PagemapScan {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);

// Asks for one page of this program: an old kernel does not know the request.
bool has_pagemap_scan() {
  const int file = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  PagemapScan scan{.size = sizeof(PagemapScan)};
  scan.start = reinterpret_cast<uint64_t>(&scan) / page * page;
  scan.end = scan.start + page;
  const bool works = ::ioctl(file, kPagemapScan, &scan) >= 0;
  ::close(file);
  return works;
}

Check check_kernel() {
  utsname name{};
  ::uname(&name);
  Check check{.name = "kernel", .found = name.release};
  if (kernel_at_least(name.release, 5, 10)) return check;
  check.verdict = Verdict::kProblem;
  check.fix = "Cusp needs Linux 5.10 or newer";
  return check;
}

Check check_pagemap() {
  if (has_pagemap_scan()) return {.name = "page scan", .found = "PAGEMAP_SCAN resets instances"};
  return {.name = "page scan",
          .verdict = Verdict::kWarning,
          .found = "no PAGEMAP_SCAN: resetting an instance costs more",
          .fix = "use Linux 6.7 or newer with /proc mounted"};
}

Check check_cores() {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  return {.name = "cores", .found = fmt::format("{}: as many shards", cores)};
}

Check check_memory() {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t total = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page;
  Check check{.name = "memory", .found = fmt::format("{} MiB", total / limits::kMiB)};
  if (total >= kMemoryWanted) return check;
  check.verdict = Verdict::kWarning;
  check.fix = "give it 512 MiB or more: compiling a large component may fail";
  return check;
}

Check check_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  Check check{.name = "open files", .found = fmt::format("{}", limit.rlim_cur)};
  if (limit.rlim_cur >= kOpenFilesWanted) return check;
  check.verdict = Verdict::kWarning;
  check.found += ": each connection takes one";
  check.fix = fmt::format("`ulimit -n {}`, or LimitNOFILE={} in the systemd unit", kOpenFilesWanted,
                          kOpenFilesWanted);
  return check;
}

Check port_problem(std::string found, std::string fix) {
  return {.name = "port",
          .verdict = Verdict::kProblem,
          .found = std::move(found),
          .fix = std::move(fix)};
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kWarning: return "warning";
    case Verdict::kProblem: return "problem";
  }
  return "problem";
}

bool kernel_at_least(std::string_view release, int major, int minor) {
  int found_major = 0;
  int found_minor = 0;
  const char* end = release.data() + release.size();
  auto [at, error] = std::from_chars(release.data(), end, found_major);
  if (error != std::errc() || at == end || *at != '.') return false;
  if (std::from_chars(at + 1, end, found_minor).ec != std::errc()) return false;
  return found_major != major ? found_major > major : found_minor >= minor;
}

std::vector<Check> check_machine() {
  return {check_kernel(), check_pagemap(), check_cores(), check_memory(), check_open_files()};
}

Check check_engine() {
  const auto engine = node::try_engine();
  if (engine) return {.name = "address space", .found = "enough for the engine's pools"};
  return {.name = "address space",
          .verdict = Verdict::kProblem,
          .found = engine.error().message,
          .fix = "`ulimit -v unlimited`, and vm.overcommit_memory 0 or 1 with sysctl"};
}

Check check_state_directory(const std::string& folder) {
  Check check{.name = "state folder", .found = folder};
  std::error_code error;
  fs::create_directories(folder, error);
  Result<> written;
  const std::string probe = folder + "/.doctor";
  if (!error) written = write_file(probe, "");
  fs::remove(probe, error);
  if (written && fs::is_directory(folder, error)) return check;
  check.verdict = Verdict::kProblem;
  check.found += written ? ": cannot be made" : ": " + written.error().message;
  check.fix = "make it writable for this user, or choose another one with --state-dir";
  return check;
}

Check check_port(const std::string& address, uint16_t port) {
  const std::string where = fmt::format("{} port {}", address, port);
  addrinfo hints{.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return port_problem(where + " is no address", "give ADDRESS:PORT with --listen");
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // As a listener does: what waits for its last packets does not count.
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const bool bound =
      ::bind(socket, found->ai_addr, found->ai_addrlen) == 0 && ::listen(socket, 1) == 0;
  const int why = bound ? 0 : errno;
  if (socket >= 0) ::close(socket);
  ::freeaddrinfo(found);
  if (bound) return {.name = "port", .found = where + " is free"};
  if (why == EADDRINUSE) {
    return port_problem(where + " is taken",
                        fmt::format("`ss -tlnp 'sport = :{}'` tells by whom; or choose another "
                                    "one with --listen",
                                    port));
  }
  if (why == EACCES) {
    return port_problem(where + " needs more rights",
                        "choose one from 1024 up, or AmbientCapabilities=CAP_NET_BIND_SERVICE in "
                        "the systemd unit");
  }
  return port_problem(fmt::format("{}: {}", where, std::strerror(why)),
                      "give an address of this machine with --listen");
}

}  // namespace cusp::cli
