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
  bool sent = co_await send_part(writer, body, part);
  for (int parts = 1; sent && !part.end; ++parts) {
    disarm_write();
    if (parts % kPartsPerTurn == 0) co_await io::asio::post(server_.executor, io::use_task);
    std::optional<Result<BodyPart>> next = body.try_read();
    if (!next) next = co_await body.read();
    out_.clear();
    sent = next->has_value();
    if (sent) part = *std::exchange(next, std::nullopt).value();
    sent = sent && co_await send_part(writer, body, part);
  }
  // What is not complete must not look like it.
  if (!sent) stream_->close();
  co_return sent;
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
// take if `body` can have that again.
io::Task<bool> H1Session::send_part(H1Writer& writer, Body& body, BodyPart& part) {
  if (!writer.body(part, out_)) co_return false;  // more or fewer bytes than content-length says
  const iovec after = writer.after(part);
  const std::string_view data = part.bytes();
  if (data.size() <= kJoinBytesMax) {
    out_.append(data).append(static_cast<const char*>(after.iov_base), after.iov_len);
    co_return flush_now() || co_await flush();
  }
  if (after.iov_len == 0 && server_.connections > kManyConnections) {
    co_return co_await send_or_give_back(writer, body, part);
  }
  std::array<iovec, 3> pieces = {iovec{out_.data(), out_.size()},
                                 iovec{const_cast<char*>(data.data()), data.size()}, after};
  arm_write();
  co_return co_await io::write_all(*stream_, pieces);
}

io::Task<bool> H1Session::send_or_give_back(H1Writer& writer, Body& body, BodyPart& part) {
  unsent_ = part.bytes();
  ssize_t written = 0;
  do {
    written = write_some();
    if (out_.empty() && unsent_.empty()) co_return true;
  } while (written >= 0);
  if (written != io::Stream::kWouldBlock) co_return false;
  if (!out_.empty() || !body.give_back(unsent_.size())) co_return co_await flush();
  writer.give_back(std::exchange(unsent_, {}).size());
  part.end = false;
  std::string().swap(part.data);  // an assignment would keep the memory
  arm_write();
  co_return co_await stream_->wait_write();
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
