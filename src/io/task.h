#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace cusp::io {

using Executor = boost::asio::io_context::executor_type;

// A coroutine that runs on the shard that started it. Lazy: nothing happens until it is awaited or
// spawned.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

}  // namespace cusp::io
