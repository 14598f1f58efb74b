#include "cli/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"

namespace cusp::cli {

Signals::Signals(std::initializer_list<int> signals) {
  sigemptyset(&signals_);
  for (const int signal : signals) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  descriptor_ = ::signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
  CUSP_ASSERT(descriptor_ >= 0);
}

Signals::~Signals() { ::close(descriptor_); }

int Signals::wait() {
  while (true) {
    if (const auto taken = take()) return *taken;
    pollfd waited{.fd = descriptor_, .events = POLLIN};
    ::poll(&waited, 1, -1);
  }
}

std::optional<int> Signals::take() {
  signalfd_siginfo info;
  if (::read(descriptor_, &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void Signals::release() {
  // One that has come already is the reason for this call, not the second one.
  while (take()) {
  }
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&signals_, signal) == 1) ::signal(signal, SIG_DFL);
  }
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace cusp::cli
