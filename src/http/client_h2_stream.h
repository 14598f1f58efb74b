#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/client_h2.h"
#include "http/client_interim.h"
#include "http/h2_inbox.h"
#include "io/event.h"

namespace cusp::http {

// One request and its response on an HTTP/2 connection. Owned by its connection while the stream is
// open, by the coroutine that awaits the head, the one that sends the request's body, and the
// response's body, whichever lasts longest. The on_ functions are called from within nghttp2: they
// submit frames and never send them.
class H2ClientStream final : public std::enable_shared_from_this<H2ClientStream> {
 public:
  H2ClientStream(io::Executor executor, std::shared_ptr<H2Client> connection,
                 const ClientCall& call);

  io::Task<ClientAnswer> run(ClientCall call);
  // The rest is not wanted.
  void abandon();

  // The request.
  void on_open(int32_t id) { id_ = id; }
  void on_request_sent();
  // Puts the next bytes of its body into a DATA frame.
  ssize_t fill(uint8_t* out, size_t room, uint32_t* flags);
  // The response. False from on_field: far over the limits.
  bool on_field(std::string_view name, std::string_view value);
  enum class Head : uint8_t { kFinal, kInterim, kTooMany };  // the last: of interim ones
  Head on_head_end();
  void on_data(std::string_view data);
  void on_response_end();
  // The stream is closed, with an error code of RFC 9113 section 7, or its connection is.
  void on_close(uint32_t error_code);
  void on_connection_end();

  // For the response's body.
  io::Task<Result<BodyPart>> read();
  bool ready() const { return !inbox_.empty() || answered_ || closed_; }
  std::optional<uint64_t> size() const { return left_; }

 private:
  bool submit(const ClientCall& call);
  void spawn_sender();
  io::Task<void> send();
  void take_part(BodyPart part);
  // Whether all of the request could be sent once more.
  bool whole() const { return !has_body_ || unsent_ || body_whole_; }
  std::unique_ptr<Body> take_back();
  void time_out();
  void fail_with(ClientFailure failure, std::string_view message, uint32_t error_code);
  void reset(uint32_t error_code);
  void close();
  ClientAnswer no_head(Request& request);
  std::unexpected<Error> no_part() const;
  Response take_response();

  const io::Executor executor_;
  const std::shared_ptr<H2Client> connection_;
  const std::chrono::milliseconds first_byte_timeout_;
  const std::chrono::milliseconds between_bytes_timeout_;
  int32_t id_ = 0;
  bool closed_ = false;
  std::optional<uint32_t> close_code_;  // none: the connection ended
  std::optional<ClientError> failure_;  // why we reset it
  Watchdog reading_;
  Watchdog writing_;
  uint64_t reads_before_ = 0;  // of the connection, when the wait for the head began

  // The request.
  std::unique_ptr<Body> unsent_;  // the body, until the sender reads it
  BodyPart part_;                 // being sent; bytes before part_at_ are
  size_t part_at_ = 0;
  std::optional<uint64_t> to_send_;  // of the body, where its length was announced
  bool sending_ = false;             // the sender runs
  bool request_sent_ = false;
  bool has_body_ = false;
  bool body_whole_ = false;  // part_ is all of it
  io::Event part_taken_;
  io::asio::cancellation_signal cancel_sending_;

  // The response.
  ClientInterim interim_;
  uint16_t status_ = 0;
  Fields fields_;
  Fields trailers_;
  size_t head_bytes_ = 0;
  bool head_done_ = false;
  bool answered_ = false;  // all of the response has come
  H2Inbox inbox_;
  std::optional<uint64_t> left_;  // of the body, to be read, where its length is known
  io::Event event_;               // of the head and of the body
};

}  // namespace cusp::http
