#include "http/tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "http/client_test_support.h"
#include "http/h1_test_client.h"
#include "http/test_server.h"
#include "io/event.h"

// Connections that leave HTTP after a 101: at the server, at the client, and through both.
namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::make_request;
using ::testing::Not;
using testing::Peer;
using testing::PeerServer;
using testing::RawClient;
using ::testing::StartsWith;
using testing::TestClient;
using testing::TestServer;

constexpr std::string_view kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: abc\r\n\r\n";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: xyz\r\n\r\n";

// What a far end knows and a test asks about.
struct FarEnd {
  std::atomic<uint64_t> written = 0;
  std::atomic<bool> ended = false;
  std::atomic<bool> cut = false;
  std::atomic<bool> gone = false;
};

// Says what it is told; with `deaf`, takes nothing in.
class EchoTunnel final : public Tunnel {
 public:
  EchoTunnel(io::Executor executor, FarEnd& far_end, bool deaf)
      : far_end_(far_end), deaf_(deaf), event_(executor), room_(executor) {}
  ~EchoTunnel() override { far_end_.gone = true; }

  io::Task<Result<std::string>> read() override {
    while (text_.empty() && !far_end_.ended && !far_end_.cut) co_await event_.wait();
    if (far_end_.cut) co_return fail(ErrorCode::kCancelled, "cut");
    room_.notify();
    co_return std::exchange(text_, {});
  }
  io::Task<Result<>> write(std::string data) override {
    far_end_.written += data.size();
    while ((deaf_ || !text_.empty()) && !far_end_.cut) co_await room_.wait();
    if (far_end_.cut) co_return fail(ErrorCode::kCancelled, "cut");
    text_ = std::move(data);
    event_.notify();
    co_return Result<>();
  }
  void end() override {
    far_end_.ended = true;
    event_.notify();
  }
  void cut() override {
    far_end_.cut = true;
    event_.notify();
    room_.notify();
  }

 private:
  FarEnd& far_end_;
  const bool deaf_;
  std::string text_;
  io::Event event_;
  io::Event room_;
};

// Grants "websocket" with an echo.
TestServer::Respond granting(FarEnd& far_end, bool deaf = false) {
  return [&far_end, deaf](Request& request) -> io::Task<Response> {
    if (request.upgrade != "websocket") co_return text_response(426, "[" + request.upgrade + "]");
    Response response{.status = 101};
    response.fields.add("sec-websocket-accept", "xyz");
    response.fields.add("content-length", "7");
    response.tunnel =
        std::make_unique<EchoTunnel>(co_await io::asio::this_coro::executor, far_end, deaf);
    co_return response;
  };
}

// What a proxy does: pass the request on and return what came.
class Proxy {
 public:
  explicit Proxy(uint16_t upstream, ClientOptions options = {}, ServerLimits limits = {})
      : server_(
            [this, upstream, options](Request& request) -> io::Task<Response> {
              Request passed = make_request(request.method, "127.0.0.1:" + std::to_string(upstream),
                                            request.target);
              passed.fields = request.fields;
              passed.upgrade = request.upgrade;
              if (!client_) client_ = make_client(co_await io::asio::this_coro::executor);
              auto response = co_await client_->send(std::move(passed), options);
              if (response) co_return std::move(*response);
              co_return text_response(502, response.error().error.message);
            },
            limits) {}
  ~Proxy() {
    server_.shard().run([&] { client_.reset(); });
  }
  uint16_t port() const { return server_.port(); }
  TestServer& server() { return server_; }

 private:
  std::unique_ptr<Client> client_;
  TestServer server_;
};

// ---- the server's side

TEST(Tunnel, TheServerSwitchesAndBytesPassBothWays) {
  FarEnd far_end;
  TestServer server(granting(far_end));
  RawClient client(server.port());
  client.send(std::string(kUpgrade) + "early");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 101 Switching Protocols\r\n"),
                          HasSubstr("\r\nconnection: upgrade\r\nupgrade: websocket\r\n"),
                          HasSubstr("\r\nsec-websocket-accept: xyz\r\n"),
                          Not(HasSubstr("content-length"))));
  EXPECT_EQ(client.read_until("early"), "early") << "what came right behind the request";
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "GET / HTTP/1.1\r\n\r\n") << "no longer HTTP";
  client.end();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server.eventually([&] { return far_end.gone.load(); }));
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(Tunnel, OnlyAProperRequestIsAnUpgrade) {
  FarEnd far_end;
  TestServer server(granting(far_end));
  const std::pair<const char*, const char*> cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "[]"},  // not named
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", "[]"},
      {"GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: H2C\r\n\r\n", "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Upgrade: h2c\r\n\r\n",
       "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a b\r\n\r\n", "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: \r\n\r\n", "[]"},
      {"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Content-Length: 4\r\n\r\nbody",
       "[]"},
      {"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "[]"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: IRC/6.9\r\n\r\n", "[irc/6.9]"},
  };
  for (const auto& [request, seen] : cases) {
    RawClient client(server.port());
    client.send(request);
    EXPECT_THAT(client.read_until("]"), AllOf(StartsWith("HTTP/1.1 426 "), EndsWith(seen)))
        << request;
  }
}

TEST(Tunnel, AnUpgradeDoesNotStickToTheNextRequest) {
  FarEnd far_end;
  TestServer server(granting(far_end));
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n");
  EXPECT_THAT(client.read_until("]"), EndsWith("[other]"));
  client.send(testing::kGet);
  EXPECT_THAT(client.read_until("]"), EndsWith("[]"));
}

TEST(Tunnel, AHandlerThatSwitchesUnaskedIsABug) {
  FarEnd far_end;
  TestServer server([&](Request&) -> io::Task<Response> {
    Response response{.status = 101};
    response.tunnel =
        std::make_unique<EchoTunnel>(co_await io::asio::this_coro::executor, far_end, false);
    co_return response;
  });
  RawClient client(server.port());
  client.send(testing::kGet);
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 500 "));
}

TEST(Tunnel, AClientThatGoesAwayCutsTheFarEnd) {
  FarEnd far_end;
  TestServer server(granting(far_end));
  RawClient client(server.port());
  client.send(std::string(kUpgrade) + "hello");
  client.read_until("hello");
  client.reset();
  EXPECT_TRUE(server.eventually([&] { return far_end.gone.load(); }));
  EXPECT_TRUE(far_end.cut);
  EXPECT_FALSE(far_end.ended);
}

TEST(Tunnel, AnIdleOneIsEnded) {
  FarEnd far_end;
  TestServer server(granting(far_end), {.tunnel_idle_timeout = 100ms});
  RawClient client(server.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(server.eventually([&] { return far_end.gone.load(); }));
  EXPECT_TRUE(far_end.cut);
}

TEST(Tunnel, AFarEndThatTakesNothingHoldsTheClientUp) {
  FarEnd far_end;
  TestServer server(granting(far_end, true), {.tunnel_idle_timeout = 1s});
  RawClient client(server.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  std::thread sender([&] { client.send(std::string(64 * 1024 * 1024, 'x')); });
  EXPECT_TRUE(server.eventually([&] { return far_end.gone.load(); })) << "the idle limit";
  sender.join();
  EXPECT_LE(far_end.written, 2 * limits::kBodyChunkBytes);
}

// ---- the client's side

TEST(Tunnel, TheClientAsksAndGetsAChannel) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("\r\n\r\n");
      peer.write(std::string(kSwitch) + "hello");
      peer.write("you said " + peer.read_until("bye"));
    });
    Request request = make_request("GET", server.authority(), "/chat");
    request.fields.add("sec-websocket-key", "abc");
    request.fields.add("upgrade", "forged");
    request.upgrade = "websocket";
    auto response = client.send(std::move(request));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(response->status, 101);
    EXPECT_EQ(response->fields.get("sec-websocket-accept"), "xyz");
    EXPECT_FALSE(response->fields.get("upgrade"));
    ASSERT_TRUE(response->tunnel);
    EXPECT_EQ(*client.run(response->tunnel->read()), "hello");
    EXPECT_TRUE(client.run(response->tunnel->write("good bye")));
    EXPECT_EQ(*client.run(response->tunnel->read()), "you said good bye");
    EXPECT_EQ(*client.run(response->tunnel->read()), "") << "the far end has ended";
  }
  EXPECT_THAT(seen, AllOf(HasSubstr("\r\nconnection: upgrade\r\nupgrade: websocket\r\n"),
                          HasSubstr("sec-websocket-key: abc"), Not(HasSubstr("forged"))));
}

TEST(Tunnel, AnUpstreamMayDecline) {
  PeerServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty())
      peer.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
  });
  TestClient client;
  for (int i = 0; i < 2; ++i) {
    Request request = make_request("GET", server.authority());
    request.upgrade = "websocket";
    auto response = client.send(std::move(request));
    ASSERT_TRUE(response);
    EXPECT_FALSE(response->tunnel);
    EXPECT_EQ(client.read_all(*response), "no");
  }
  EXPECT_EQ(server.accepted(), 1) << "the connection is still HTTP's";
  client.destroy_client();
}

TEST(Tunnel, ASwitchToSomethingElseIsAProtocolError) {
  for (const char* fields :
       {"Connection: upgrade\r\nUpgrade: other\r\n", "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n", "Connection: upgrade\r\nUpgrade: websocket, other\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n"}) {
    PeerServer server([&](Peer& peer, int) {
      peer.read_until("\r\n\r\n");
      peer.write("HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n");
      peer.read_all();
    });
    TestClient client;
    Request request = make_request("GET", server.authority());
    request.upgrade = "websocket";
    const auto response = client.send(std::move(request));
    ASSERT_FALSE(response) << fields;
    EXPECT_EQ(response.error().failure, ClientFailure::kProtocolError);
  }
}

TEST(Tunnel, ARequestThatCannotBeAnUpgradeIsRefused) {
  TestClient client;
  for (const char* protocol : {"web socket", "a\r\nevil: 1", "websocket/", "/13", "a, b"}) {
    Request request = make_request("GET", "127.0.0.1:1");
    request.upgrade = protocol;
    const auto response = client.send(std::move(request));
    ASSERT_FALSE(response) << protocol;
    EXPECT_EQ(response.error().failure, ClientFailure::kRequestInvalid) << protocol;
  }
  Request request = make_request("POST", "127.0.0.1:1");
  request.upgrade = "websocket";
  request.body = make_body("body");
  EXPECT_EQ(client.send(std::move(request)).error().failure, ClientFailure::kRequestInvalid);
}

TEST(Tunnel, AnIdleChannelOfTheClientIsEnded) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(kSwitch);
    peer.read_all();
  });
  TestClient client;
  Request request = make_request("GET", server.authority());
  request.upgrade = "websocket";
  auto response = client.send(std::move(request), {.tunnel_idle_timeout = 60ms});
  ASSERT_TRUE(response);
  const auto data = client.run(response->tunnel->read());
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(client.run(response->tunnel->write("late")));
}

// ---- through both

TEST(Tunnel, AProxyPassesAnEchoThrough) {
  FarEnd far_end;
  TestServer upstream(granting(far_end));
  Proxy proxy(upstream.port());
  RawClient client(proxy.port());
  client.send(kUpgrade);
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101 "));
  for (int i = 0; i < 100; ++i) {
    const std::string message = "message " + std::to_string(i) + ".";
    client.send(message);
    EXPECT_EQ(client.read_until("."), message);
  }
  // Half-closed: what is under way still comes back.
  client.send("last.");
  client.end();
  EXPECT_EQ(client.read_all(), "last.");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(upstream.eventually([&] { return far_end.gone.load(); }));
  EXPECT_TRUE(
      proxy.server().eventually([&] { return proxy.server().server().connections() == 0; }));
}

TEST(Tunnel, AProxyPassesLargeDataBothWaysAtOnce) {
  FarEnd far_end;
  TestServer upstream(granting(far_end));
  Proxy proxy(upstream.port());
  RawClient client(proxy.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  std::string data(8 * 1024 * 1024, 'x');
  for (size_t i = 0; i < data.size(); i += 997) data[i] = static_cast<char>('a' + i % 26);
  std::thread sender([&] {
    client.send(data);
    client.end();
  });
  EXPECT_TRUE(client.read_all() == data);
  sender.join();
}

TEST(Tunnel, AClientThatReadsNothingHoldsTheUpstreamUp) {
  std::atomic<bool> finished = false;
  PeerServer upstream([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(kSwitch);
    finished = peer.write_endlessly(256 * 1024 * 1024);
  });
  Proxy proxy(upstream.port(), {}, {.tunnel_idle_timeout = 500ms});
  RawClient client(proxy.port(), 4096);
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(proxy.server().eventually([&] { return proxy.server().server().connections() == 0; }))
      << "the idle limit";
  EXPECT_FALSE(finished);
}

TEST(Tunnel, AClientThatGoesAwayEndsBothSidesOfAProxy) {
  FarEnd far_end;
  TestServer upstream(granting(far_end));
  Proxy proxy(upstream.port());
  RawClient client(proxy.port());
  client.send(std::string(kUpgrade) + "hello");
  client.read_until("hello");
  client.reset();
  EXPECT_TRUE(upstream.eventually([&] { return far_end.gone.load(); }));
  EXPECT_TRUE(
      proxy.server().eventually([&] { return proxy.server().server().connections() == 0; }));
}

TEST(Tunnel, AnUpstreamThatGoesAwayEndsBothSidesOfAProxy) {
  PeerServer upstream([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(std::string(kSwitch) + "hello");
    peer.reset();
  });
  Proxy proxy(upstream.port());
  RawClient client(proxy.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  client.read_all();
  EXPECT_TRUE(
      proxy.server().eventually([&] { return proxy.server().server().connections() == 0; }));
}

TEST(Tunnel, AServerThatStopsCutsItsTunnels) {
  FarEnd far_end;
  auto server = std::make_unique<TestServer>(granting(far_end));
  RawClient client(server->port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  client.end();  // only the far end keeps the exchange alive now, and it never ends
  server.reset();
  EXPECT_EQ(client.read_all(), "");
}

}  // namespace
}  // namespace cusp::http
