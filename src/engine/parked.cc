#include "engine/invocation.h"

namespace cusp::engine {

void Parked::cancel_all(FailureKind kind) {
  const std::vector<Invocation*> all(invocations_.begin(), invocations_.end());
  for (Invocation* invocation : all) invocation->cancel(kind);
}

void Parked::cancel_slow() {
  std::vector<Invocation*> slow;
  for (Invocation* invocation : invocations_) {
    if (invocation->has_slow_client()) slow.push_back(invocation);
  }
  for (Invocation* invocation : slow) invocation->cancel(FailureKind::kClientSlow);
}

}  // namespace cusp::engine
