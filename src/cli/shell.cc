#include "cli/shell.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>

namespace cusp::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kTermination = 2s;            // between SIGTERM and SIGKILL
constexpr size_t kKeptBytesMax = 16 * 1024;  // of the output, for an error's message

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }
  void reset(int value) {
    close();
    value_ = value;
  }
  operator int() const { return value_; }

 private:
  int value_;
};

// Starts the child with no signal blocked, in a process group of its own: it ends as a whole.
Result<pid_t> spawn(const std::string& command, const std::string& directory, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (output >= 0) {
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                             const_cast<char*>(command.c_str()), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, ::environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return child;
  return fail(ErrorCode::kUnavailable,
              fmt::format("cannot run `{}` in '{}': {}", command, directory, std::strerror(error)));
}

// The last of what a child wrote.
class Tail {
 public:
  void add(std::string_view data) {
    text_ += data;
    if (text_.size() > 2 * kKeptBytesMax) text_.erase(0, text_.size() - kKeptBytesMax);
  }
  std::string take() {
    if (text_.size() > kKeptBytesMax) text_.erase(0, text_.size() - kKeptBytesMax);
    while (text_.ends_with('\n')) text_.pop_back();
    return without_colours(text_);
  }

 private:
  std::string text_;
};

// Passes on what is there to be read; false at the end.
bool pass_on(int from, Tail& tail) {
  char buffer[4096];
  const ssize_t got = ::read(from, buffer, sizeof(buffer));
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  tail.add({buffer, static_cast<size_t>(got)});
  std::fwrite(buffer, 1, static_cast<size_t>(got), stderr);
  return true;
}

// Waits for the child's end, not for that of its output: a daemon that it left behind may hold
// that open.
Result<int> wait_for(pid_t child, Descriptor& output, Tail& tail, int cancel_descriptor) {
  const Descriptor ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  std::optional<Clock::time_point> killed_at;
  bool cancelled = false;
  while (true) {
    pollfd waited[] = {{.fd = ended, .events = POLLIN},
                       {.fd = output, .events = POLLIN},
                       {.fd = cancelled ? -1 : cancel_descriptor, .events = POLLIN}};
    ::poll(waited, 3, killed_at || ended < 0 ? 100 : -1);
    if (waited[1].revents != 0 && !pass_on(output, tail)) output.close();
    if (waited[2].revents != 0) {
      cancelled = true;
      killed_at = Clock::now() + kTermination;
      ::kill(-child, SIGTERM);
    }
    if (killed_at && Clock::now() >= *killed_at) ::kill(-child, SIGKILL);
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) != child) continue;
    pollfd rest{.fd = output, .events = POLLIN};
    while (output >= 0 && ::poll(&rest, 1, 0) > 0 && pass_on(output, tail)) {
    }
    if (cancelled) return fail(ErrorCode::kCancelled, "interrupted");
    return status;
  }
}

}  // namespace

Result<> run_shell(const std::string& command, const std::string& directory, Output output,
                   int cancel_descriptor) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("cannot run `{}`: there is no folder '{}'", command, directory));
  }
  Descriptor read_end;
  Descriptor write_end;
  if (int ends[2]; output == Output::kKeep && ::pipe2(ends, O_CLOEXEC) == 0) {
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  CUSP_TRY(const pid_t child, spawn(command, directory, write_end));
  write_end.close();
  Tail tail;
  CUSP_TRY(const int status, wait_for(child, read_end, tail, cancel_descriptor));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string why = WIFEXITED(status)
                              ? fmt::format("ended with {}", WEXITSTATUS(status))
                              : fmt::format("was ended by signal {}", WTERMSIG(status));
  const std::string text = tail.take();
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("`{}` {}{}{}", command, why, text.empty() ? "" : ":\n", text));
}

std::string without_colours(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\033') {
      result += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '[') {
      // A control sequence ends with a byte from '@' to '~' (ECMA-48 section 5.4).
      for (i += 2; i < text.size() && (text[i] < '@' || text[i] > '~');) ++i;
    }
  }
  return result;
}

}  // namespace cusp::cli
