#include "http/client_h2.h"

#include "http/client_h2_stream.h"
#include "io/asio.h"

namespace cusp::http {

namespace {

using io::Stream;

constexpr size_t kReadBytes = 16 * 1024;
// How much is read before other connections get their turn.
constexpr int kReadsPerTurn = 16;

}  // namespace

std::shared_ptr<H2Client> H2Client::start(io::Executor executor, Origin origin, Upstream upstream,
                                          std::function<void()> room) {
  auto connection =
      std::make_shared<H2Client>(executor, std::move(origin), std::move(upstream), std::move(room));
  io::asio::co_spawn(
      executor,
      [](std::shared_ptr<H2Client> self) -> io::Task<void> { co_await self->run(); }(connection),
      io::asio::detached);
  return connection;
}

H2Client::H2Client(io::Executor executor, Origin origin, Upstream upstream,
                   std::function<void()> room)
    : executor_(executor),
      origin_(std::move(origin)),
      upstream_(std::move(upstream)),
      room_(std::move(room)),
      session_(make_h2_client_session(*this)),
      idle_(executor, [this] { retire(); }),
      writing_watch_(executor, [this] { abort(); }) {
  idle_.arm(limits::kIdleTimeout);
}

H2Client::~H2Client() { nghttp2_session_del(session_); }

io::Task<void> H2Client::run() {
  // Also when the loop is destroyed: streams and connection hold each other until then.
  struct Guard {
    ~Guard() { self.end(); }
    H2Client& self;
  };
  const Guard guard{*this};
  flush();
  while (true) {
    const Read read = read_some();
    if (read == Read::kEnd) break;
    if (read == Read::kAgain) {
      co_await io::asio::post(executor_, io::asio::use_awaitable_t<io::Executor>());
    } else if (!co_await upstream_.stream->wait_read()) {
      break;
    }
  }
}

H2Client::Read H2Client::read_some() {
  char buffer[kReadBytes];  // here, so that an idle connection holds none
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    const ssize_t size = upstream_.stream->try_read(buffer, sizeof(buffer));
    if (size == Stream::kWouldBlock) return Read::kWait;
    if (size <= 0) return Read::kEnd;
    ++reads_;
    feed({buffer, static_cast<size_t>(size)});
    flush();
  }
  return Read::kAgain;
}

void H2Client::feed(std::string_view data) {
  feeding_ = true;
  const ssize_t result = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(data.data()), data.size());
  if (result == NGHTTP2_ERR_FLOODED || result == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (result < 0) {
    terminate(NGHTTP2_PROTOCOL_ERROR);
  }
  feeding_ = false;
}

bool H2Client::has_room() const {
  if (session_ == nullptr || !settings_known_ || retired_ || terminating_) return false;
  const uint32_t allowed = std::min(
      limits::kH2StreamsMax,
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return streams_.size() < allowed && nghttp2_session_check_request_allowed(session_) != 0;
}

bool H2Client::open(const std::shared_ptr<H2ClientStream>& stream,
                    std::span<const nghttp2_nv> fields, const nghttp2_data_provider* body) {
  if (session_ == nullptr || retired_ || terminating_) return false;
  const int32_t id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), body, stream.get());
  if (id < 0) {
    retire();
    return false;
  }
  stream->on_open(id);
  streams_.emplace(id, stream);
  idle_.disarm();
  flush_soon();
  return true;
}

// ---- output

void H2Client::flush_soon() {
  if (feeding_ || flush_posted_ || writing_ || session_ == nullptr) return;
  flush_posted_ = true;
  io::asio::post(executor_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void H2Client::flush() {
  if (session_ == nullptr || writing_) return;
  const H2Output::Outcome outcome = output_.flush(session_, *upstream_.stream);
  if (outcome == H2Output::Outcome::kFull) {
    writing_ = true;
    io::asio::co_spawn(
        executor_,
        [](std::shared_ptr<H2Client> self) -> io::Task<void> {
          co_await self->write_when_possible();
        }(shared_from_this()),
        io::asio::detached);
    return;
  }
  const bool over = !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
  if (outcome == H2Output::Outcome::kBroken || over) return abort();
  if (streams_.empty()) output_.release();
}

io::Task<void> H2Client::write_when_possible() {
  using enum H2Output::Outcome;
  bool open = true;
  H2Output::Outcome outcome = kFull;
  while (open && outcome == kFull) {
    writing_watch_.arm(limits::kBodyIdleTimeout);
    open = co_await upstream_.stream->wait_write();
    if (open && session_ != nullptr) outcome = output_.write(*upstream_.stream);
  }
  writing_watch_.disarm();
  writing_ = false;
  if (!open || outcome == kBroken) co_return abort();
  flush();
}

// ---- the end

void H2Client::terminate(uint32_t error_code) {
  if (std::exchange(terminating_, true) || session_ == nullptr) return;
  breached_ |= error_code != NGHTTP2_NO_ERROR;
  nghttp2_session_terminate_session(session_, error_code);
  flush_soon();
}

void H2Client::retire() {
  retired_ = true;
  if (streams_.empty()) terminate(NGHTTP2_NO_ERROR);
}

void H2Client::settings_came() {
  if (!std::exchange(settings_known_, true) && room_) room_();
}

void H2Client::stream_ended() {
  if (streams_.empty()) {
    idle_.arm(limits::kIdleTimeout);
    if (retired_) terminate(NGHTTP2_NO_ERROR);
  }
  if (room_) room_();
}

// The coroutine that reads sees it and ends.
void H2Client::abort() { upstream_.stream->close(); }

void H2Client::end() {
  upstream_.stream->close();
  idle_.disarm();
  nghttp2_session_del(session_);
  session_ = nullptr;
  for (const auto& [id, stream] : std::exchange(streams_, {})) stream->on_connection_end();
  upstream_.place.reset();
}

}  // namespace cusp::http
