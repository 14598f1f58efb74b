#pragma once

#include "base/error.h"
#include "host/capability.h"
#include "io/task.h"

// How a call ends that is not answered at once.
namespace cusp::host {

// Begins to run `work`, which owns all that it needs, on the caller's shard.
void spawn(const Caller& caller, io::Task<> work);

void fail(engine::Call& call, const Error& error);

}  // namespace cusp::host
