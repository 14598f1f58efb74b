#include "host/call_end.h"

#include <utility>

#include "io/asio.h"

namespace cusp::host {

void spawn(const Caller& caller, io::Task<> work) {
  io::asio::co_spawn(caller.executor, std::move(work), io::asio::detached);
}

void fail(engine::Call& call, const Error& error) {
  using enum engine::CallFailure;
  const auto failure = [&] {
    switch (error.code) {
      case ErrorCode::kInvalidArgument: return kInvalid;
      case ErrorCode::kNotFound: return kNotFound;
      case ErrorCode::kPermissionDenied: return kDenied;
      case ErrorCode::kResourceExhausted: return kLimit;
      case ErrorCode::kUnavailable: return kBusy;
      default: return kOther;
    }
  }();
  call.fail(failure, error.message);
}

}  // namespace cusp::host
