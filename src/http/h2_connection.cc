#include "http/h2_connection.h"

#include "io/asio.h"

namespace cusp::http {

namespace {

using io::Stream;

constexpr auto kNever = ServerContext::Clock::time_point::max();
constexpr size_t kReadBytes = 16 * 1024;
// How much is read before other connections get their turn.
constexpr int kReadsPerTurn = 16;
// How long the peer may take to close after our GOAWAY, or to answer the PING of a drain.
constexpr std::chrono::milliseconds kCloseTimeout{1000};

}  // namespace

H2Connection::H2Connection(ServerContext& server, std::unique_ptr<Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      tls_(stream_->tls()),
      coroutines_done_(server.executor) {
  boost::system::error_code error;
  const auto remote = stream_->socket().remote_endpoint(error);
  if (!error) {
    remote_address_ = remote.address().to_string();
    remote_port_ = remote.port();
  }
  session_ = make_h2_session(*this);
  place_ = server_.sessions.insert(server_.sessions.end(), this);
  became_idle();
}

H2Connection::~H2Connection() { nghttp2_session_del(session_); }

io::Task<void> H2Connection::run(std::string data) {
  if (server_.draining) drain();
  if (!data.empty()) feed(data);
  flush();
  while (true) {
    const Read read = read_some();
    if (read == Read::kEnd) break;
    if (read == Read::kAgain) {
      co_await io::asio::post(server_.executor, io::asio::use_awaitable_t<io::Executor>());
    } else if (!co_await stream_->wait_read()) {
      break;
    }
  }
  end();
  while (handlers_ > 0 || writing_) co_await coroutines_done_.wait_until(kNever);
}

void H2Connection::end() {
  close_streams();
  stream_->close();
  nghttp2_session_del(session_);
  session_ = nullptr;
  server_.sessions.erase(place_);
}

// ---- input

H2Connection::Read H2Connection::read_some() {
  char buffer[kReadBytes];  // here, so that an idle connection holds none
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    const ssize_t size = stream_->try_read(buffer, sizeof(buffer));
    if (size == Stream::kWouldBlock) return Read::kWait;
    if (size <= 0) return Read::kEnd;
    if (closing_) continue;
    feed({buffer, static_cast<size_t>(size)});
    flush();
  }
  return Read::kAgain;
}

void H2Connection::feed(std::string_view data) {
  feeding_ = true;
  const auto violation = frames_.check(data);
  const size_t size = violation ? violation->offset : data.size();
  const ssize_t result =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(data.data()), size);
  if (result == NGHTTP2_ERR_FLOODED || result == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (result < 0) {
    terminate(NGHTTP2_PROTOCOL_ERROR);
  } else if (violation) {
    terminate(violation->error_code);
  }
  start_streams();
  feeding_ = false;
}

// Handlers start when nghttp2 has seen all of the input: a request that its client took back in the
// same breath never runs.
void H2Connection::start_streams() {
  for (std::shared_ptr<H2Stream>& stream : started_) {
    ++handlers_;
    io::asio::co_spawn(
        server_.executor,
        [](std::shared_ptr<H2Connection> self,
           std::shared_ptr<H2Stream> started) -> io::Task<void> {
          co_await started->serve();
          --self->handlers_;
          self->coroutines_done_.notify();
        }(shared_from_this(), std::move(stream)),
        io::asio::detached);
  }
  started_.clear();
}

// ---- output

void H2Connection::flush_soon() {
  if (feeding_ || flush_posted_ || writing_ || !session_) return;
  flush_posted_ = true;
  io::asio::post(server_.executor, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void H2Connection::flush() {
  if (!session_ || writing_ || closing_) return;
  const H2Output::Outcome outcome = output_.flush(session_, *stream_);
  if (outcome == H2Output::Outcome::kFull) {
    writing_ = true;
    io::asio::co_spawn(
        server_.executor,
        [](std::shared_ptr<H2Connection> self) -> io::Task<void> {
          co_await self->write_when_possible();
        }(shared_from_this()),
        io::asio::detached);
    return;
  }
  if (outcome == H2Output::Outcome::kBroken) stream_->close();
  if (!nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_)) close();
}

io::Task<void> H2Connection::write_when_possible() {
  using enum H2Output::Outcome;
  bool open = true;
  H2Output::Outcome outcome = kFull;
  while (open && outcome == kFull) {
    write_deadline_ = after(server_.limits.body_idle_timeout);
    wake_by(write_deadline_);
    open = co_await stream_->wait_write();
    if (open) outcome = output_.write(*stream_);
  }
  if (outcome == kBroken) stream_->close();
  write_deadline_ = kNever;
  writing_ = false;
  coroutines_done_.notify();
  if (open) flush();
}

// ---- the end

void H2Connection::terminate(uint32_t error_code) {
  if (std::exchange(terminating_, true)) return;
  nghttp2_session_terminate_session(session_, error_code);
  flush_soon();
}

// Everything is said. The peer gets time to read it: closing at once, with bytes unread, would
// reset the connection and lose the GOAWAY.
void H2Connection::close() {
  closing_ = true;
  close_streams();
  stream_->shutdown_write();
  close_deadline_ = after(kCloseTimeout);
  wake_by(close_deadline_);
}

void H2Connection::close_streams() {
  auto streams = std::exchange(streams_, {});
  for (auto& [id, stream] : streams) stream->on_close(NGHTTP2_CANCEL);
}

void H2Connection::became_idle() {
  idle_deadline_ = after(server_.limits.keep_alive_timeout);
  wake_by(idle_deadline_);
}

void H2Connection::abort() { stream_->close(); }

// Requests that are on their way while the client does not know yet are still served: a notice
// first, and the last stream id when the client has answered the PING (RFC 9113 section 6.8).
void H2Connection::drain() {
  if (std::exchange(draining_, true) || closing_) return;
  if (streams_.empty()) return say_goodbye();
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  close_deadline_ = after(kCloseTimeout);
  wake_by(close_deadline_);
  flush_soon();
}

void H2Connection::say_goodbye() {
  close_deadline_ = kNever;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  flush_soon();
}

void H2Connection::time_out() {
  const auto now = server_.now;
  if (write_deadline_ <= now || (closing_ && close_deadline_ <= now)) return abort();
  if (closing_) return wake_by(close_deadline_);
  if (close_deadline_ <= now) say_goodbye();
  if (head_deadline_ <= now) return terminate(NGHTTP2_ENHANCE_YOUR_CALM);
  if (idle_deadline_ <= now) return terminate(NGHTTP2_NO_ERROR);
  for (const auto& [id, stream] : streams_) {
    if (stream->deadline() <= now) {
      stream->time_out();
    } else {
      wake_by(stream->deadline());
    }
  }
  for (const auto next : {write_deadline_, close_deadline_, head_deadline_, idle_deadline_})
    wake_by(next);
}

}  // namespace cusp::http
