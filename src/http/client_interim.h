#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "http/client_exchange.h"
#include "io/event.h"

namespace cusp::http {

// What an upstream says ahead of one response (RFC 9110 section 15.2): passes interim responses on,
// counts them, and lets the request's body wait for a 100. Belongs to the exchange.
class ClientInterim {
 public:
  // Takes the expectation out of a request whose body is there already: nobody has to be asked.
  ClientInterim(io::Executor executor, const ClientCall& call);

  // An interim response; false when it is one too many, or a 101, which has no place here.
  bool take(uint16_t status, const Fields& fields);
  // The response itself is there: a body that waits is dropped before anybody sees the response,
  // so that the client is not asked for it either.
  void answered();
  // Nothing will come any more.
  void over();

  // Whether the body is to go through when_wanted() before it is read.
  bool body_waits() const { return waiting_; }
  // Keeps the body until the upstream wants it, or has not said otherwise for
  // limits::kContinueTimeout. Null: it has answered without.
  io::Task<std::unique_ptr<Body>> when_wanted(std::unique_ptr<Body> body);

 private:
  InterimSender on_interim_;
  size_t count_ = 0;
  bool expected_;  // a 100 was asked for
  bool waiting_;   // and the body has not been kept for it yet
  bool over_ = false;
  std::unique_ptr<Body> body_;
  io::Event heard_;
};

}  // namespace cusp::http
