#pragma once

#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <memory>

#include "io/asio.h"

namespace cusp::io {

// A socket that can wait for its next readiness without a system call. Asio's async_wait re-arms
// epoll each time it is called, and its async_read_some wants a buffer for as long as it waits, on
// every idle connection. Asio registers sockets edge-triggered, so a wait that begins right after a
// try said "would block", with no trip through the loop in between, cannot miss the edge: it only
// has to be queued. That takes Asio's internal operations (as of Boost 1.81), used in this file
// alone.
class EdgeSocket : public Socket {
 public:
  explicit EdgeSocket(Socket socket)
      : Socket(std::move(socket)),
        reactor_(asio::use_service<asio::detail::reactor>(
            asio::query(get_executor(), asio::execution::context))) {}

  // True after the next edge, false when the socket was closed or the coroutine cancelled
  // meanwhile. `which` is wait_read or wait_write; several waits may be pending.
  auto wait_edge(wait_type which) {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(bool)>(
        [this, which]<class Handler>(Handler handler) { tell_edge(which, std::move(handler)); },
        asio::use_awaitable_t<Executor>());
  }

  // The same for a function, which is called from the loop: handler(bool).
  template <class Handler>
  void tell_edge(wait_type which, Handler handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto* wait = new Wait<Handler>(std::move(handler));  // complete() owns it
    auto& socket = impl_.get_implementation();
    const int kind =
        which == wait_read ? asio::detail::reactor::read_op : asio::detail::reactor::write_op;
    if (slot.is_connected()) {
      wait->cancellation_key_ = wait;
      slot.assign([this, kind, wait](asio::cancellation_type) {
        auto& cancelled = impl_.get_implementation();
        reactor_.cancel_ops_by_key(cancelled.socket_, cancelled.reactor_data_, kind, wait);
      });
    }
    reactor_.start_op(kind, socket.socket_, socket.reactor_data_, wait, false, true);
    wait->queued = true;
  }

 private:
  using Operation = asio::detail::reactor_op;

  template <class Handler>
  class Wait final : public Operation {
   public:
    explicit Wait(Handler handler)
        : Operation(boost::system::error_code(), &perform, &complete),
          handler_(std::move(handler)) {}

    bool queued = false;

   private:
    // Called once while it is being queued, when the answer is "not yet", and then at the edge.
    static status perform(Operation* base) {
      return static_cast<Wait*>(base)->queued ? done : not_done;
    }

    static void complete(void* owner, asio::detail::operation* base,
                         const boost::system::error_code& /*error*/, size_t /*bytes*/) {
      std::unique_ptr<Wait> self(static_cast<Wait*>(base));
      Handler handler(std::move(self->handler_));
      const bool open = !self->ec_;
      self.reset();
      // Without an owner the loop is being destroyed, and the handler goes with it.
      if (owner != nullptr) std::move(handler)(open);
    }

    Handler handler_;
  };

  asio::detail::reactor& reactor_;
};

}  // namespace cusp::io
