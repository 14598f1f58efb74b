#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client.h"
#include "http/client_test_support.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::make_request;
using testing::Peer;
using testing::PeerServer;
using testing::SlowBody;
using testing::TestClient;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

// The failure of a GET that the peer answers with `text`, and closes.
ClientFailure failure_of(std::string text) {
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(text);
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  if (response) return ClientFailure::kNone;
  EXPECT_THAT(response.error().error.message, HasSubstr(server.authority()));
  return response.error().failure;
}

// A port of 127.0.0.1 that nobody listens on.
uint16_t closed_port() {
  return PeerServer([](Peer&, int) {}).port();
}

TEST(HttpClientFailure, NobodyListens) {
  TestClient client;
  const auto response =
      client.send(make_request("GET", "127.0.0.1:" + std::to_string(closed_port())));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kConnectionRefused);
  EXPECT_EQ(response.error().error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().error.message, HasSubstr("refused"));
}

TEST(HttpClientFailure, ANameThatDoesNotExist) {
  TestClient client;
  const auto response = client.send(make_request("GET", "no-such-name.invalid"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().failure,
              ::testing::AnyOf(ClientFailure::kDnsError, ClientFailure::kDnsTimeout));
  EXPECT_THAT(response.error().error.message, HasSubstr("no-such-name.invalid:80"));
}

TEST(HttpClientFailure, ANameThatTakesTooLong) {
  TestClient client;
  const auto response =
      client.send(make_request("GET", "no-such-name.invalid"), {.connect_timeout = 0ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kDnsTimeout);
  EXPECT_EQ(response.error().error.code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientFailure, AConnectionThatIsNotAcceptedInTime) {
  // A listener whose queue is full does not answer.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ::listen(listener, 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  TestClient client;
  const auto response =
      client.send(make_request("GET", "127.0.0.1:" + std::to_string(ntohs(address.sin_port))),
                  {.connect_timeout = 50ms});
  for (const int filler : fillers) ::close(filler);
  ::close(listener);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kConnectionTimeout);
}

TEST(HttpClientFailure, EveryAddressIsAskedForAndADeniedOneIsNotReached) {
  PeerServer server([](Peer&, int) {});
  for (const std::string host : {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"}) {
    TestClient client;
    std::vector<std::string> asked;
    const auto response =
        client.send(make_request("GET", host + ":" + std::to_string(server.port())),
                    {.allow_address = [&](std::string_view address, uint16_t port) {
                      EXPECT_EQ(port, server.port());
                      asked.emplace_back(address);
                      return false;
                    }});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kDestinationProhibited);
    EXPECT_EQ(response.error().error.code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(asked, ::testing::Contains("127.0.0.1")) << host;
  }
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpClientFailure, APooledConnectionIsNoWayAroundADeniedAddress) {
  PeerServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty()) peer.write(kOk);
  });
  TestClient client;
  auto allowed = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(allowed);
  EXPECT_EQ(client.read_all(*allowed), "ok");
  const auto denied = client.send(make_request("GET", server.authority()),
                                  {.allow_address = [](auto, auto) { return false; }});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().failure, ClientFailure::kDestinationProhibited);
  client.destroy_client();
}

TEST(HttpClientFailure, NoResponseInTime) {
  PeerServer server([](Peer& peer, int) { peer.read_all(); });
  TestClient client;
  const auto response =
      client.send(make_request("GET", server.authority()), {.first_byte_timeout = 50ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kReadTimeout);
  EXPECT_EQ(response.error().error.code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientFailure, TheTimeToAnswerCountsFromTheEndOfTheRequest) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("0\r\n\r\n");
    peer.write(kOk);
    peer.read_all();
  });
  TestClient client;
  std::vector<BodyPart> parts;
  for (int i = 0; i < 4; ++i) parts.push_back({.data = "x", .end = i == 3});
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 60ms);
  auto response = client.send(std::move(request), {.first_byte_timeout = 100ms});
  ASSERT_TRUE(response) << response.error().error.message;
  client.destroy_client();
}

TEST(HttpClientFailure, APeerThatDoesNotTakeTheRequestIsGivenUp) {
  PeerServer server([](Peer& peer, int) {
    std::this_thread::sleep_for(500ms);
    (void)peer;
  });
  TestClient client;
  Request request = make_request("POST", server.authority());
  request.body = make_body(std::string(64 * 1024 * 1024, 'x'));
  const auto response = client.send(std::move(request), {.between_bytes_timeout = 50ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kReadTimeout);
  EXPECT_THAT(response.error().error.message, HasSubstr("not taken"));
}

TEST(HttpClientFailure, ABodyThatStalls) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    peer.read_all();
  });
  TestClient client;
  auto response =
      client.send(make_request("GET", server.authority()), {.between_bytes_timeout = 50ms});
  ASSERT_TRUE(response);
  ASSERT_TRUE(client.read(*response));
  const auto part = client.read(*response);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientFailure, AConnectionClosedWithoutAResponse) {
  EXPECT_EQ(failure_of(""), ClientFailure::kConnectionTerminated);
}

TEST(HttpClientFailure, AHeadThatIsCutShort) {
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\ncontent-le"), ClientFailure::kResponseIncomplete);
}

TEST(HttpClientFailure, MalformedHeads) {
  for (const char* text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 999 X\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"}) {
    EXPECT_EQ(failure_of(text), ClientFailure::kProtocolError) << text;
  }
}

TEST(HttpClientFailure, AHeadOverTheLimit) {
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\na: " + std::string(limits::kHeadBytesMax, 'x')),
            ClientFailure::kResponseTooLarge);
  EXPECT_EQ(failure_of("HTTP/1.1 200 " + std::string(limits::kHeadBytesMax, 'x')),
            ClientFailure::kResponseTooLarge);
}

TEST(HttpClientFailure, BodiesThatAreCutShortOrMalformed) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"content-length: 10\r\n\r\nhalf", ErrorCode::kCancelled},
      {"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", ErrorCode::kCancelled},
      {"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n", ErrorCode::kCancelled},
      {"transfer-encoding: chunked\r\n\r\nzz\r\n", ErrorCode::kInvalidArgument},
      {"transfer-encoding: chunked\r\n\r\n2\r\nlong\r\n0\r\n\r\n", ErrorCode::kInvalidArgument},
      {"transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 1\r\n\r\n",
       ErrorCode::kInvalidArgument}};
  for (const auto& [text, code] : cases) {
    PeerServer server([&](Peer& peer, int) {
      peer.read_until("\r\n\r\n");
      peer.write(std::string("HTTP/1.1 200 OK\r\n") + text);
    });
    TestClient client;
    auto response = client.send(make_request("GET", server.authority()));
    ASSERT_TRUE(response) << text;
    auto part = client.read(*response);
    while (part && !part->end) part = client.read(*response);
    ASSERT_FALSE(part) << text;
    EXPECT_EQ(part.error().code, code) << text;
    EXPECT_THAT(part.error().message, HasSubstr(server.authority()));
  }
}

TEST(HttpClientFailure, AConnectionThatIsResetWithinTheResponse) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\n\r\nuntil the connection is closed");
    std::this_thread::sleep_for(20ms);
    peer.reset();
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  ASSERT_TRUE(client.read(*response));
  const auto part = client.read(*response);
  ASSERT_FALSE(part) << "a reset is not the end of a body";
  EXPECT_EQ(part.error().code, ErrorCode::kCancelled);
}

TEST(HttpClientFailure, ALateFailureOfAPooledConnectionIsNotHidden) {
  // The second connection fails as well: no third one is made.
  PeerServer server([](Peer& peer, int number) {
    peer.read_until("\r\n\r\n");
    if (number == 0) peer.write(kOk);
    if (number == 0) peer.read_until("\r\n\r\n");
  });
  TestClient client;
  auto first = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(first);
  EXPECT_EQ(client.read_all(*first), "ok");
  const auto second = client.send(make_request("GET", server.authority()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().failure, ClientFailure::kConnectionTerminated);
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientFailure, ARequestThatMayHaveHadAnEffectIsNotSentAgain) {
  for (const bool with_body : {true, false}) {
    PeerServer server([](Peer& peer, int number) {
      peer.read_until("\r\n\r\n");
      peer.write(kOk);
      if (number == 0) peer.read_until("\r\n\r\n");
    });
    TestClient client;
    auto first = client.send(make_request("GET", server.authority()));
    ASSERT_TRUE(first);
    EXPECT_EQ(client.read_all(*first), "ok");
    Request request = make_request("POST", server.authority());
    if (with_body) request.body = make_body("once");
    const auto second = client.send(std::move(request));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().failure, ClientFailure::kConnectionTerminated);
    EXPECT_EQ(server.accepted(), 1);
  }
}

TEST(HttpClientFailure, BytesBehindTheResponseEndTheConnection) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(std::string(kOk) + "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    peer.read_all();
  });
  TestClient client;
  for (int i = 0; i < 2; ++i) {
    auto response = client.send(make_request("GET", server.authority()));
    ASSERT_TRUE(response);
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientFailure, DroppingTheResponseClosesTheConnectionAndEndsTheRequest) {
  std::atomic<bool> closed = false;
  bool dropped = false;
  PeerServer server([&](Peer& peer, int number) {
    peer.read_until("\r\n\r\n");
    peer.write(number == 0 ? "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart" : kOk);
    peer.read_all();
    if (number == 0) closed = true;
  });
  TestClient client;
  std::vector<BodyPart> parts(1);
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 1h, &dropped);
  auto response = client.send(std::move(request));
  ASSERT_TRUE(response);
  ASSERT_TRUE(client.read(*response));
  EXPECT_FALSE(dropped);
  response->body.reset();
  client.run_until([&] { return closed && dropped; });
  auto next = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(next);
  EXPECT_EQ(client.read_all(*next), "ok");
  EXPECT_EQ(server.accepted(), 2);
  client.destroy_client();
}

TEST(HttpClientFailure, AResponseWithoutABodyToARequestStillBeingSentCanBeDropped) {
  bool dropped = false;
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    peer.read_all();
  });
  TestClient client;
  std::vector<BodyPart> parts(1);
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 1h, &dropped);
  auto response = client.send(std::move(request));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(client.read_all(*response), "");
  client.run_until([&] { return dropped; });
}

TEST(HttpClientFailure, ARequestBodyThatFailsFailsTheRequest) {
  PeerServer server([](Peer& peer, int) { peer.read_all(); });
  TestClient client;
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::vector<BodyPart>(), 5ms);
  const auto response = client.send(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kRequestInvalid);
  EXPECT_THAT(response.error().error.message, HasSubstr("the producer failed"));
}

TEST(HttpClientFailure, ARequestBodyThatIsNotAsLongAsItSaysFailsTheRequest) {
  for (const char* length : {"2", "9"}) {
    PeerServer server([](Peer& peer, int) { peer.read_all(); });
    TestClient client;
    std::vector<BodyPart> parts;
    parts.push_back({.data = "four", .end = true});
    Request request = make_request("POST", server.authority());
    request.fields.add("content-length", length);
    request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 1ms);
    const auto response = client.send(std::move(request));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kRequestInvalid);
  }
}

TEST(HttpClientFailure, RequestsThatCannotBeSent) {
  TestClient client;
  const auto failure = [&](auto change) {
    Request request = make_request("GET", "127.0.0.1:1");
    change(request);
    const auto response = client.send(std::move(request));
    return response ? ClientFailure::kNone : response.error().failure;
  };
  for (const char* authority : {"", "a b", "user@host", "host:0", "host:65536", "host:", "[::1",
                                "[::1]x", "host/path", "h\r\nx: y", ":80"}) {
    EXPECT_EQ(failure([&](Request& request) { request.authority = authority; }),
              ClientFailure::kRequestInvalid)
        << authority;
  }
  for (const char* target : {"", "path", "*", "/a b", "/\r\nx: y"}) {
    EXPECT_EQ(failure([&](Request& request) { request.target = target; }),
              ClientFailure::kRequestInvalid)
        << target;
  }
  for (const char* method : {"", "G T", "GET / HTTP/1.1\r\n", "CONNECT"}) {
    EXPECT_EQ(failure([&](Request& request) { request.method = method; }),
              ClientFailure::kRequestInvalid)
        << method;
  }
  EXPECT_EQ(failure([](Request& request) { request.scheme = "ftp"; }),
            ClientFailure::kRequestInvalid);
  EXPECT_EQ(failure([](Request& request) { request.fields.add("x", "a\r\nb: c"); }),
            ClientFailure::kRequestInvalid);
  EXPECT_EQ(failure([](Request& request) { request.fields.add("content-length", "5"); }),
            ClientFailure::kRequestInvalid);
  EXPECT_EQ(failure([](Request& request) {
              request.fields.add("content-length", "5x");
              request.body = make_body("12345");
            }),
            ClientFailure::kRequestInvalid);
}

// Cancels a request `after` its start and runs the loop until it has ended.
void cancel(TestClient& client, Request request, std::chrono::milliseconds after) {
  io::asio::cancellation_signal signal;
  bool ended = false;
  io::asio::co_spawn(
      client.executor(), client.client().send(std::move(request), {}),
      io::asio::bind_cancellation_slot(
          signal.slot(), [&](std::exception_ptr error, std::expected<Response, ClientError> value) {
            EXPECT_TRUE(error || !value);
            ended = true;
          }));
  io::Timer timer(client.executor(), after);
  timer.async_wait(
      [&](boost::system::error_code) { signal.emit(io::asio::cancellation_type::terminal); });
  const auto start = std::chrono::steady_clock::now();
  client.run_until([&] { return ended; });
  EXPECT_LT(std::chrono::steady_clock::now() - start, after + 2s);
}

TEST(HttpClientFailure, CancellingWhileWaitingForTheResponseClosesTheConnection) {
  std::atomic<bool> closed = false;
  bool dropped = false;
  PeerServer server([&](Peer& peer, int) {
    peer.read_all();
    closed = true;
  });
  TestClient client;
  std::vector<BodyPart> parts(1);
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 1h, &dropped);
  cancel(client, std::move(request), 30ms);
  client.run_until([&] { return closed && dropped; });
}

TEST(HttpClientFailure, CancellingWhileResolvingEndsAtOnce) {
  TestClient client;
  cancel(client, make_request("GET", "no-such-name.invalid"), 0ms);
}

TEST(HttpClientFailure, CancellingTheReadOfABodyLeavesItToBeDropped) {
  std::atomic<bool> closed = false;
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
    peer.read_all();
    closed = true;
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  io::asio::cancellation_signal signal;
  bool ended = false;
  io::asio::co_spawn(client.executor(), response->body->read(),
                     io::asio::bind_cancellation_slot(
                         signal.slot(), [&](std::exception_ptr error, Result<BodyPart> part) {
                           EXPECT_TRUE(error || !part);
                           ended = true;
                         }));
  client.settle();
  signal.emit(io::asio::cancellation_type::terminal);
  client.run_until([&] { return ended; });
  response->body.reset();
  client.run_until([&] { return closed.load(); });
}

TEST(HttpClientFailure, ABodyMayOutliveItsClient) {
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(kOk);
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  client.destroy_client();
  EXPECT_EQ(client.read_all(*response), "ok");
}

}  // namespace
}  // namespace cusp::http
