#include <algorithm>
#include <array>
#include <utility>

#include "http/h1_connection.h"

namespace cusp::http {

namespace {

// A body up to this size is joined with its head; beyond it, copying costs more than a second
// piece.
constexpr size_t kJoinBytesMax = 16 * 1024;
// The same for text that lies where it stays: there is nothing to be saved but a piece.
constexpr size_t kCopyBytesMax = 1024;
// From how many connections of a server on memory matters more than reading twice.
constexpr size_t kManyConnections = 256;
// How many parts of a body are sent before other connections get their turn.
constexpr int kPartsPerTurn = 16;

}  // namespace

// Whether a response is complete at this moment and not large.
bool H1Session::is_short(const Response& response, const std::optional<Result<BodyPart>>& first) {
  if (!response.body) return true;
  if (!first || !*first) return false;
  const BodyPart& part = **first;
  return part.end && !part.trailers && (part.shared || part.data.size() <= kJoinBytesMax);
}

// Sends such a response in one write; false when out_ has a rest, or the connection is broken.
bool H1Session::send_short(H1Writer& writer, Response& response,
                           const std::optional<Result<BodyPart>>& first) {
  const BodyPart none{.end = true};
  const BodyPart& part = first ? **first : none;
  writer.head(response, part.bytes().size(), server_.date, out_);
  keep_alive_ = writer.keep_alive();
  if (!writer.sends_body(response.status)) return flush_now();
  if (!writer.body(part, out_)) {  // more or fewer bytes than content-length says
    stream_->close();
    return false;
  }
  if (part.bytes().size() > kCopyBytesMax && part.shared) return flush_now_with(part.bytes());
  out_.append(part.bytes());
  return flush_now();
}

io::Task<bool> H1Session::send(H1Writer& writer, Response response,
                               std::optional<Result<BodyPart>> first) {
  Body& body = *response.body;
  const bool sends_body = writer.sends_body(response.status);
  if (sends_body && !first && body.ready()) first = co_await body.read();
  if (first && !*first) {
    refuse({502, "the response broke off"});
    keep_alive_ = false;
    co_return true;
  }
  BodyPart part;
  if (first) part = std::move(**first);
  // A handler that has taken the request's body will read it while it answers.
  if (expects_continue_ && body_ != nullptr && request_->body == nullptr) {
    expects_continue_ = false;
    out_.append(kContinue);
  }
  writer.head(response, size_of(body, part), server_.date, out_);
  keep_alive_ = writer.keep_alive();
  if (!sends_body) co_return co_await flush();
  sending_ = std::make_unique<H1Sending>(writer, std::move(response.body));
  co_return co_await send_body(std::move(part), false);
}

// The same for what send_short() has begun.
io::Task<bool> H1Session::send_later(H1Writer& writer, Response& response,
                                     std::optional<Result<BodyPart>> first) {
  if (!response.body) co_return co_await flush();
  sending_ = std::make_unique<H1Sending>(writer, std::move(response.body));
  co_return co_await send_body(std::move(**first), true);
}

// The same for a response that another session has begun.
io::Task<bool> H1Session::send_on() {
  keep_alive_ = sending_->writer.keep_alive();
  out_ = std::exchange(sending_->text, {});
  BodyPart part = {.end = sending_->end, .shared = std::move(sending_->shared)};
  unsent_ = part.bytes().substr(std::exchange(sending_->at, 0));
  co_return co_await send_body(std::move(part), true);
}

// Sends the part, of which nothing but out_ and unsent_ is left if it has `begun`, and all that
// follows it. False: the connection is broken, or its client is slow and pauses_ is set.
io::Task<bool> H1Session::send_body(BodyPart part, bool begun) {
  bool sent = begun ? co_await flush_or_pause() : co_await send_part(part);
  for (int parts = 1; sent && !part.end; ++parts) {
    disarm_write();
    if (parts % kPartsPerTurn == 0) co_await io::asio::post(server_.executor, io::use_task);
    std::optional<Result<BodyPart>> next = sending_->body->try_read();
    if (!next) next = co_await sending_->body->read();
    out_.clear();
    sent = next->has_value();
    if (sent) part = *std::exchange(next, std::nullopt).value();
    sent = sent && co_await send_part(part);
  }
  if (pauses_) {
    keep_unsent(part);
    co_return false;
  }
  // What is not complete must not look like it.
  if (!sent) stream_->close();
  sending_.reset();
  co_return sent;
}

void H1Session::keep_unsent(const BodyPart& part) {
  sending_->text = std::exchange(out_, {});
  sending_->end = part.end;
  sending_->paused = true;
  const std::string_view unsent = std::exchange(unsent_, {});
  if (part.shared && !unsent.empty()) {
    sending_->shared = part.shared;
    sending_->at = part.shared->size() - unsent.size();
  } else {
    sending_->text.append(unsent);
  }
  sending_->text.shrink_to_fit();
}

// The length of a body whose first part has been taken; nothing when only its end will tell.
std::optional<uint64_t> H1Session::size_of(const Body& body, const BodyPart& part) {
  if (part.trailers) return std::nullopt;
  if (part.end) return part.bytes().size();
  std::optional<uint64_t> size = body.size();
  if (size) *size += part.bytes().size();
  return size;
}

// Sends out_, the part and its framing. Of many connections, none keeps what its client does not
// take if the body can have that again.
io::Task<bool> H1Session::send_part(BodyPart& part) {
  H1Writer& writer = sending_->writer;
  if (!writer.body(part, out_)) co_return false;  // more or fewer bytes than content-length says
  const iovec after = writer.after(part);
  const std::string_view data = part.bytes();
  if (data.size() <= kJoinBytesMax) {
    out_.append(data).append(static_cast<const char*>(after.iov_base), after.iov_len);
    co_return flush_now() || co_await flush_or_pause();
  }
  if (after.iov_len == 0 && (part.shared || server_.connections > kManyConnections)) {
    co_return co_await send_or_give_back(part);
  }
  std::array<iovec, 3> pieces = {iovec{out_.data(), out_.size()},
                                 iovec{const_cast<char*>(data.data()), data.size()}, after};
  arm_write();
  co_return co_await io::write_all(*stream_, pieces);
}

io::Task<bool> H1Session::send_or_give_back(BodyPart& part) {
  unsent_ = part.bytes();
  ssize_t written = 0;
  do {
    written = write_some();
    if (out_.empty() && unsent_.empty()) co_return true;
  } while (written >= 0);
  if (written != io::Stream::kWouldBlock) co_return false;
  if (!out_.empty() || part.shared || !sending_->body->give_back(unsent_.size())) {
    co_return co_await flush_or_pause();
  }
  sending_->writer.give_back(std::exchange(unsent_, {}).size());
  part.end = false;
  std::string().swap(part.data);  // an assignment would keep the memory
  co_return co_await wait_write_or_pause();
}

// Writes out_ and unsent_ as the client takes them.
io::Task<bool> H1Session::flush_or_pause() {
  while (!out_.empty() || !unsent_.empty()) {
    const ssize_t written = write_some();
    if (written >= 0) continue;
    if (written != io::Stream::kWouldBlock || !co_await wait_write_or_pause()) co_return false;
  }
  co_return true;
}

// Of many connections, each pauses at once, so that a burst of them does not pile up sessions; a
// response that has done so and is taken after all is then spared it until its client is slow.
io::Task<bool> H1Session::wait_write_or_pause() {
  arm_write();
  const bool can = can_pause();
  pauses_ = can && !sending_->paused && server_.connections > kManyConnections;
  if (pauses_) co_return false;
  looks_ = can ? 0 : kNotWaiting;
  const bool writable = co_await stream_->wait_write();
  pauses_ = !writable && looks_ > kLooksMax;
  looks_ = kNotWaiting;
  co_return writable;
}

// Whether nobody but the client has to do with the exchange any more.
bool H1Session::can_pause() const {
  return sending_->body->stands_alone() && body_ == nullptr && input_.body_ended() &&
         !gone_callback_;
}

InterimSender H1Session::interim_sender() {
  if (request_->version == Version::kHttp10) return {};  // RFC 9110 section 15.2
  return [weak = weak_from_this(), exchange = exchange_](uint16_t status, const Fields& fields) {
    if (const auto session = weak.lock()) session->send_interim(exchange, status, fields);
  };
}

// What the socket does not take of it at once goes out ahead of what is sent next.
void H1Session::send_interim(uint64_t exchange, uint16_t status, const Fields& fields) {
  if (exchange != exchange_ || saying_continue_ || out_.size() > kInterimBytesMax) return;
  write_interim(status, fields, out_);
  if (flush_now()) out_.clear();
}

// Writes what the socket takes of out_; true when that was all.
bool H1Session::flush_now() {
  const iovec piece = {out_.data(), out_.size()};
  const ssize_t written = stream_->try_write(std::span(&piece, 1));
  if (written == static_cast<ssize_t>(out_.size())) return true;
  if (written > 0) out_.erase(0, static_cast<size_t>(written));
  return false;
}

// The same with `body` behind out_.
bool H1Session::flush_now_with(std::string_view body) {
  unsent_ = body;
  write_some();
  return out_.empty() && unsent_.empty();
}

// Tries to write out_ and unsent_; the result is that of Stream::try_write.
ssize_t H1Session::write_some() {
  const std::array<iovec, 2> pieces = {iovec{out_.data(), out_.size()},
                                       iovec{const_cast<char*>(unsent_.data()), unsent_.size()}};
  const ssize_t written = stream_->try_write(pieces);
  const auto size = static_cast<size_t>(std::max<ssize_t>(written, 0));
  const size_t head = std::min(size, out_.size());
  out_.erase(0, head);
  unsent_.remove_prefix(size - head);
  return written;
}

io::Task<bool> H1Session::flush() {
  arm_write();
  const std::string_view behind = std::exchange(unsent_, {});
  std::array<iovec, 2> pieces = {iovec{out_.data(), out_.size()},
                                 iovec{const_cast<char*>(behind.data()), behind.size()}};
  co_return co_await io::write_all(*stream_, pieces);
}

}  // namespace cusp::http
