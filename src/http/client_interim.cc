#include "http/client_interim.h"

#include <utility>

namespace cusp::http {

ClientInterim::ClientInterim(io::Executor executor, const ClientCall& call)
    : on_interim_(call.options.on_interim), heard_(executor) {
  Request& request = call.request;
  request.expects_continue &= request.body != nullptr && !request.body->ready();
  waiting_ = expected_ = request.expects_continue;
}

bool ClientInterim::take(uint16_t status, const Fields& fields) {
  if (status == 101 || ++count_ > limits::kInterimMax) return false;
  if (status == 100 && expected_) {
    heard_.notify();
  } else if (on_interim_) {
    on_interim_(status, fields);
  }
  return true;
}

void ClientInterim::answered() {
  body_.reset();
  over();
}

void ClientInterim::over() {
  over_ = true;
  heard_.notify();
}

io::Task<std::unique_ptr<Body>> ClientInterim::when_wanted(std::unique_ptr<Body> body) {
  waiting_ = false;
  if (over_) co_return nullptr;
  body_ = std::move(body);
  co_await heard_.wait_until(io::Event::Clock::now() + limits::kContinueTimeout);
  if (over_) co_return nullptr;
  co_return std::move(body_);
}

}  // namespace cusp::http
