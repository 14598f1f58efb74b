#pragma once

#include <initializer_list>
#include <optional>

#include <signal.h>

// Signals as values that are waited for, never as handlers.
namespace cusp::cli {

// Keeps `signals` from ending the process from now on, in this thread and those that it starts:
// make it before the node. Not thread-safe.
class Signals {
 public:
  explicit Signals(std::initializer_list<int> signals);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Waits for one of them and answers its number.
  int wait();
  // Answers one that has come, without waiting.
  std::optional<int> take();
  // Readable for poll(2) while one has come and was not taken.
  int descriptor() const { return descriptor_; }

  // From now on they end the process again, as without this object: whoever asks twice does not
  // want to wait.
  void release();

 private:
  sigset_t signals_;
  int descriptor_;
};

}  // namespace cusp::cli
