#include "http/h1_session.h"

#include <utility>

#include "http/h1_connection.h"

namespace cusp::http {

namespace {

using io::Stream;
using std::string_view;

// What the buffer for output may hold while the connection is idle.
constexpr size_t kIdleBytesMax = 2 * 1024;
// How many pipelined requests are served before other connections get their turn.
constexpr int kRequestsPerTurn = 64;
// How the HTTP/2 preface starts (RFC 9113 section 3.4): no HTTP/1.1 request does.
constexpr string_view kH2Preface = "PRI * HTTP/2.0\r\n";

// Whether the third word of the first line names HTTP in some version. A client whose does not, as
// in a spoilt HTTP/2 preface, would take our answer in HTTP/1.1 for something else.
bool names_http(string_view data) {
  const string_view line = data.substr(0, data.find('\r'));
  const size_t last = line.rfind(' ');
  return line.find(' ') == last || line.substr(last + 1).starts_with("HTTP/");
}

}  // namespace

H1Session::H1Session(ServerContext& server, H1Pause from)
    : server_(server),
      stream_(std::move(from.stream)),
      tls_(stream_->tls()),
      limits_(server.head_limits()),
      input_(limits_, std::move(from.data)),
      read_pace_(server.pace()),
      first_(from.first),
      idle_(from.sending == nullptr),
      reading_head_(idle_),
      sending_(std::move(from.sending)) {
  boost::system::error_code error;
  const auto remote = stream_->socket().remote_endpoint(error);
  if (!error) {
    remote_address_ = remote.address().to_string();
    remote_port_ = remote.port();
  }
  place_ = server_.sessions.insert(server_.sessions.end(), this);
}

// ---- the connection --------------------------------------------------------------------------

io::Task<H1Pause> H1Session::run() {
  Request request;
  request_ = &request;
  bool goes_on = true;
  if (sending_) {
    goes_on = co_await send_on();
    if (pauses_) co_return pause(false);
    if (goes_on && !keep_alive_) co_await linger();
    goes_on = goes_on && keep_alive_;
  }
  for (int turn = 0; goes_on;) {
    rest();
    Step step = next_request();
    while (step == Step::kMore) {
      turn = looks_ = 0;
      const bool readable = co_await stream_->wait_read();
      step = readable ? next_request() : looks_ > kLooksMax ? Step::kPause : Step::kEnd;
    }
    looks_ = kNotWaiting;
    if (step == Step::kPreface || step == Step::kPause) co_return pause(step == Step::kPreface);
    if (step == Step::kRefused) co_await linger();
    if (step != Step::kRequest) break;

    ++exchange_;
    Response response = co_await server_.handler.respond(request);
    ++exchange_;
    if (response.status == 101 && response.tunnel && !request.upgrade.empty()) {
      co_await run_tunnel(std::move(response));
      break;
    }
    // A request's body that is over a limit or broken leaves nothing to go on from.
    const bool gives_up = response.status == 408;  // on the request (RFC 9110 section 15.5.9)
    H1Writer writer(request.method, request.version,
                    keep_alive_ && !server_.draining && !body_failed_ && !gives_up);
    if (response.status < 200 || response.status > 999) response.status = 500;
    std::optional<Result<BodyPart>> first;
    if (response.body && writer.sends_body(response.status)) first = response.body->try_read();
    const bool sent = is_short(response, first)
                          ? send_short(writer, response, first) ||
                                co_await send_later(writer, response, std::move(first))
                          : co_await send(writer, std::move(response), std::move(first));
    if (pauses_) co_return pause(false);
    if (!sent) break;
    response.body.reset();  // its producer may wait for that before it lets go of the request
    disarm_write();
    if (gone_callback_) gone_callback_ = nullptr;
    request.body.reset();
    const bool body_done = body_ == nullptr && input_.body_ended();
    if (gives_up || (!body_done && !co_await finish_request_body()) || !keep_alive_) {
      co_await linger();
      break;
    }
    if (++turn == kRequestsPerTurn) {
      turn = 0;
      co_await io::asio::post(server_.executor, io::use_task);
    }
  }
  abort();
  deadline = ServerContext::Clock::time_point::max();
  co_return H1Pause();
}

// Between two requests.
void H1Session::rest() {
  out_.clear();
  idle_ = input_.unread().empty();
  reading_head_ = !idle_;
  seen_ = 0;
  if (idle_) {
    input_.release();
    if (out_.capacity() > kIdleBytesMax) std::string().swap(out_);
  }
  arm_read(idle_ ? server_.limits.keep_alive_timeout : server_.limits.head_timeout);
}

H1Pause H1Session::pause(bool h2) {
  H1Pause pause = {.data = input_.take_unread(), .first = first_, .h2 = h2, .deadline = deadline};
  pause.stream = std::move(stream_);
  pause.sending = std::move(sending_);
  deadline = ServerContext::Clock::time_point::max();
  return pause;
}

void H1Session::look() {
  if (gone_callback_ && stream_->peer_gone()) client_gone();
  if (looks_ != kNotWaiting && ++looks_ == kLooksMax + 1) stream_->cancel_waits();
}

void H1Session::time_out() {
  timed_out_ = true;
  if (reading_head_) refuse({408, "the head took too long"});
  abort();
}

void H1Session::abort() {
  ++exchange_;
  if (stream_) stream_->close();
  client_gone();
  if (body_done_) body_done_->notify();
  if (tunnel_ != nullptr) tunnel_->cut();
}

void H1Session::client_gone() {
  if (auto callback = std::exchange(gone_callback_, nullptr)) callback();
}

// ---- requests --------------------------------------------------------------------------------

// Takes the next request from what has come; kMore is for when nothing has.
H1Session::Step H1Session::next_request() {
  while (true) {
    if (!input_.unread().empty()) {
      const Step step = parse_request();
      if (step != Step::kMore) return step;
    } else if (server_.draining) {
      return Step::kEnd;
    }
    const ssize_t size = input_.fill(*stream_, server_.scratch);
    if (size == Stream::kWouldBlock) return Step::kMore;
    if (size <= 0) return Step::kEnd;
    if (!reading_head_) {
      idle_ = false;
      reading_head_ = true;
      arm_read(server_.limits.head_timeout);
    }
  }
}

H1Session::Step H1Session::parse_request() {
  // One empty line before a request is tolerated (RFC 9112 section 2.2).
  if (seen_ == 0 && input_.unread().starts_with("\r\n")) input_.consume(2);
  const string_view data = input_.unread();
  if (first_ && data.starts_with(kH2Preface.substr(0, data.size()))) {
    return data.size() < kH2Preface.size() ? Step::kMore : Step::kPreface;
  }
  const auto end = find_head_end(data, seen_, limits_);
  if (!end) return refuse(end.error());
  if (!*end) {
    seen_ = data.size();
    return Step::kMore;
  }
  const auto framing = parse_request_head(data.substr(0, **end), limits_, *request_);
  if (!framing) return first_ && !names_http(data) ? Step::kEnd : refuse(framing.error());
  input_.consume(**end);
  first_ = false;
  reading_head_ = false;
  disarm_read();
  return begin_exchange(*framing);
}

H1Session::Step H1Session::begin_exchange(const RequestFraming& framing) {
  if (framing.content_length > server_.limits.body_bytes_max) {
    return refuse({413, "the body is larger than the limit"});
  }
  input_.begin_body(framing.framing, framing.content_length);
  read_pace_ = server_.pace();
  body_failed_ = false;
  keep_alive_ = framing.keep_alive;
  expects_continue_ = framing.expects_continue && !input_.body_ended();
  request_->scheme = tls_ ? "https" : "http";
  request_->connection = this;
  request_->expects_continue = expects_continue_;
  if (!input_.body_ended()) request_->body = std::make_unique<H1Body>(shared_from_this());
  return Step::kRequest;
}

H1Session::Step H1Session::refuse(const SyntaxError& error) {
  refuse_request(*stream_, server_, error);
  return Step::kRefused;
}

// Lets the client read the answer before the connection goes.
io::Task<void> H1Session::linger() {
  stream_->shutdown_write();
  arm_read(kLingerTime);
  for (uint64_t bytes = 0; bytes < kDrainBytesMax;) {
    const ssize_t size = stream_->try_read(server_.scratch.data(), server_.scratch.size());
    if (size > 0) {
      bytes += static_cast<uint64_t>(size);
    } else if (size != Stream::kWouldBlock || !co_await stream_->wait_read()) {
      break;
    }
  }
}

void refuse_request(Stream& stream, const ServerContext& server, const SyntaxError& error) {
  const std::string text = std::string(reason_phrase(error.status)) + ": " + error.reason + "\n";
  Response response;
  response.status = error.status;
  response.fields.add("content-type", "text/plain; charset=utf-8");
  H1Writer writer("GET", Version::kHttp11, false);
  std::string out;
  writer.head(response, text.size(), server.date, out);
  out.append(text);
  const iovec piece = {out.data(), out.size()};
  stream.try_write(std::span(&piece, 1));
}

io::Task<H1Pause> serve_h1(ServerContext& server, H1Pause from) {
  const auto session = std::make_shared<H1Session>(server, std::move(from));
  co_return co_await session->run();
}

}  // namespace cusp::http
