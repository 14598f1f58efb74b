#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/h2_inbox.h"
#include "http/h2_request.h"
#include "http/message.h"
#include "http/pace.h"
#include "io/event.h"

namespace cusp::http {

class H2Connection;

// One request and its response on an HTTP/2 connection. Owned by its connection while the stream is
// open, by the coroutine that runs the handler, and by the request's body, whichever lasts longest.
// The on_ functions are called from within nghttp2: they submit frames and never send them.
class H2Stream final : public Connection, public std::enable_shared_from_this<H2Stream> {
 public:
  H2Stream(std::shared_ptr<H2Connection> connection, int32_t id);

  // Connection
  std::string_view remote_address() const override;
  uint16_t remote_port() const override;
  bool tls() const override;
  const io::PeerCertificate* client_certificate() const override;
  InterimSender interim_sender() override;
  void on_client_gone(std::function<void()> callback) override;

  // The request, as it comes in. False from on_field: far over the limits.
  bool on_field(std::string_view name, std::string_view value);
  void on_head_end(bool request_ends);
  void on_data(std::string_view data);
  void on_request_end();
  // The response: its last frame has been sent.
  void on_response_sent();
  // The stream is closed; `error_code` of RFC 9113 section 7.
  void on_close(uint32_t error_code);

  // Answers the request: runs the handler.
  io::Task<void> serve();
  // How many of the response's body's bytes there are for the next DATA frame, which has room for
  // `room`; take_data() then gives them away.
  ssize_t offer_data(size_t room, uint32_t* flags);
  std::string_view take_data(size_t size);

  // When the peer has to have taken more of the response, or to have stopped sending what nobody
  // reads; never while it owes nothing. time_out() is due then.
  io::Event::Clock::time_point deadline() const { return deadline_; }
  void time_out() { reset(sent_ ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL); }
  int32_t id() const { return id_; }

  // For the request's body.
  io::Task<Result<BodyPart>> read_body();
  bool body_ready() const;
  void body_dropped();

 private:
  io::Task<void> send(Response response);
  void submit(const Response& response, std::optional<uint64_t> size, bool with_body);
  io::Task<bool> taken();
  bool take_part(BodyPart part);
  BodyPart next_part();
  void send_interim(uint16_t status, const Fields& fields);
  void discard_body();
  void reset(uint32_t error_code);
  void arm(std::chrono::milliseconds timeout);
  void arm_send();
  void stop_upload();

  const std::shared_ptr<H2Connection> connection_;  // shared: a body may outlast the connection
  const int32_t id_;
  bool closed_ = false;

  // The request.
  std::optional<H2RequestHead> head_;
  Request request_;
  std::optional<SyntaxError> refused_;
  bool head_request_ = false;
  bool expects_continue_ = false;
  H2Inbox body_;
  uint64_t body_bytes_ = 0;
  Fields trailers_;
  bool in_trailers_ = false;
  bool request_ended_ = false;
  bool body_held_ = false;  // the handler has the body
  std::optional<ErrorCode> body_error_;
  io::Event body_event_;
  Pace read_pace_;

  // The response.
  BodyPart part_;  // being sent; bytes before part_at_ are
  size_t part_at_ = 0;
  std::optional<uint64_t> left_;  // to come, by the content-length that was announced
  bool answered_ = false;         // the head was submitted
  bool handled_ = false;          // the handler and the reading of its body are done
  bool sent_ = false;
  bool reset_ = false;  // by us
  io::Event part_taken_;
  Pace send_pace_;
  io::Event::Clock::time_point deadline_ = io::Event::Clock::time_point::max();

  std::function<void()> gone_callback_;
};

}  // namespace cusp::http
