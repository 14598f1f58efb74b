#pragma once

// Every part of Boost.Asio that Cusp uses, so that one precompiled header serves all layers. Only
// .cc files include it; headers take the light "io/task.h".
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "io/task.h"

namespace cusp::io {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
// Sockets and timers bound to a shard's own executor: no type erasure on the path of a request.
using Socket = asio::basic_stream_socket<Tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Completion token of every operation inside a Task: `auto [error, size] = co_await
// socket.async_read_some(b, use_task);` Operations report errors as values; nothing throws.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> use_task{};

}  // namespace cusp::io
