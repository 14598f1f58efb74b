#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client_h2_test_peer.h"
#include "http/client_test_support.h"
#include "http/h1_test_client.h"

// Interim responses (RFC 9110 section 15.2), as the sessions send them and as the client hears
// them.
namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::get;
using testing::H2Peer;
using ::testing::HasSubstr;
using testing::make_request;
using ::testing::Not;
using testing::Peer;
using testing::PeerServer;
using testing::RawClient;
using testing::SlowBody;
using ::testing::StartsWith;
using testing::TestClient;
using testing::TestServer;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
constexpr std::string_view kHints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
const ClientOptions kOverHttp2 = {.version = ClientVersion::kHttp2};

// ---- servers

// Sends one 103 with a link, and one with what must not get out, then answers.
io::Task<Response> hinting(Request& request) {
  if (const auto send = request.connection->interim_sender()) {
    Fields fields;
    fields.add("link", "</a.css>");
    fields.add("connection", "x-hop");
    fields.add("content-length", "5");
    send(103, fields);
  }
  co_return text_response(200, "done");
}

TEST(Interim, AnHttp11ClientGetsHintsAheadOfItsResponse) {
  TestServer server(hinting);
  RawClient client(server.port());
  client.send(testing::kGet);
  EXPECT_EQ(client.read_until("\r\n\r\n"), kHints);
  EXPECT_THAT(client.read_until("done"), StartsWith("HTTP/1.1 200 OK\r\n"));
  client.send(testing::kGet);
  EXPECT_EQ(client.read_until("\r\n\r\n"), kHints) << "on a connection that goes on";
}

TEST(Interim, AnHttp10ClientGetsNone) {
  TestServer server(hinting);
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Interim, AnHttp2ClientGetsHintsAheadOfItsResponse) {
  TestServer server(hinting);
  testing::H2Client client(server.port());
  client.headers(1, get(), true);
  client.read_until_headers(1);
  EXPECT_EQ(client.peek(1).status(), "103");
  EXPECT_EQ(client.peek(1).field("link"), "</a.css>");
  EXPECT_EQ(client.peek(1).field("connection"), "(none)");
  EXPECT_EQ(client.peek(1).field("content-length"), "(none)");
  EXPECT_EQ(client.answer(1).body, "done");
  EXPECT_EQ(client.answer(1).status(), "200");
}

TEST(Interim, ASenderThatOutlivesItsRequestSaysNothing) {
  InterimSender kept;
  TestServer server([&](Request& request) -> io::Task<Response> {
    if (kept) kept(103, {});
    kept = request.connection->interim_sender();
    co_return text_response(200, "done");
  });
  RawClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send(testing::kGet);
    EXPECT_THAT(client.read_until("done"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  server.shard().run([&] { kept(103, {}); });
  client.end();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  server.shard().run([&] {
    kept(103, {});
    kept = nullptr;
  });
}

TEST(Interim, AClientThatReadsNothingIsNotOwedEveryHint) {
  const std::string large(60'000, 'x');
  std::atomic<bool> sent = false;
  TestServer server([&](Request& request) -> io::Task<Response> {
    const auto send = request.connection->interim_sender();
    Fields fields;
    fields.add("link", large);
    for (int i = 0; i < 1000; ++i) send(103, fields);
    sent = true;
    co_return text_response(200, "done");
  });
  RawClient client(server.port(), 4096);
  client.send(testing::kGet);
  ASSERT_TRUE(server.eventually([&] { return sent.load(); }));
  const std::string all = client.read_until("\r\n\r\ndone");
  EXPECT_THAT(all, HasSubstr("HTTP/1.1 200 OK\r\n")) << "whole, behind whole hints";
  EXPECT_LT(testing::occurrences(all, "HTTP/1.1 103"), 1000u);
  EXPECT_EQ(testing::occurrences(all, large + "\r\n\r\n"),
            testing::occurrences(all, "HTTP/1.1 103"));
}

// ---- the client

struct Heard {
  std::vector<std::pair<uint16_t, std::string>> all;  // status and link
  ClientOptions listen(ClientOptions options = {}) {
    options.on_interim = [this](uint16_t status, const Fields& fields) {
      all.emplace_back(status, fields.get("link").value_or(""));
    };
    return options;
  }
};

TEST(Interim, TheClientTellsOfThoseOfAnHttp11Upstream) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 102 Processing\r\n\r\n");
    peer.write(kHints);
    peer.write(kOk);
  });
  TestClient client;
  Heard heard;
  auto response = client.send(make_request("GET", server.authority()), heard.listen());
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->fields.get("link"));
  EXPECT_THAT(heard.all, ElementsAre(std::pair(102, ""), std::pair(103, "</a.css>")));
}

TEST(Interim, TheClientTellsOfThoseOfAnHttp2Upstream) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.headers(id, {{":status", "103"}, {"link", "</a.css>"}});
    peer.headers(id, {{":status", "103"}, {"link", "</b.css>"}});
    peer.answer(id);
    peer.read_all();
  });
  TestClient client;
  Heard heard;
  auto response = client.send(make_request("GET", server.authority()), heard.listen(kOverHttp2));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->fields.get("link"));
  EXPECT_EQ(client.read_all(*response), "ok");
  EXPECT_THAT(heard.all, ElementsAre(std::pair(103, "</a.css>"), std::pair(103, "</b.css>")));
}

TEST(Interim, AThousandOfThemAreTooMany) {
  for (const ClientOptions& options : {ClientOptions{}, kOverHttp2}) {
    const bool h2 = options.version == ClientVersion::kHttp2;
    PeerServer server([&](Peer& raw, int) {
      if (!h2) {
        raw.read_until("\r\n\r\n");
        for (int i = 0; i < 1000; ++i) raw.write(kHints);
        return raw.write(kOk);
      }
      H2Peer peer(raw);
      const int32_t id = peer.read_request();
      for (int i = 0; i < 1000; ++i) peer.headers(id, {{":status", "103"}});
      peer.answer(id);
      peer.read_all();
    });
    TestClient client;
    Heard heard;
    const auto response =
        client.send(make_request("GET", server.authority()), heard.listen(options));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kProtocolError);
    EXPECT_EQ(heard.all.size(), limits::kInterimMax);
  }
}

TEST(Interim, LargeOnesCountForTheLimitOfTheHead) {
  const std::string large(limits::kHeadBytesMax / 4, 'x');
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    for (int i = 0; i < 8; ++i) peer.write("HTTP/1.1 103 a\r\nlink: " + large + "\r\n\r\n");
    peer.write(kOk);
  });
  TestClient client;
  EXPECT_FALSE(client.send(make_request("GET", server.authority())));
}

TEST(Interim, A101ThatNobodyAskedForIsNoInterimResponse) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    peer.write(kOk);
  });
  PeerServer over_h2([](Peer& raw, int) {
    H2Peer peer(raw);
    peer.headers(peer.read_request(), {{":status", "101"}});
    peer.read_all();
  });
  TestClient client;
  Heard heard;
  const auto response = client.send(make_request("GET", server.authority()), heard.listen());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kProtocolError);
  EXPECT_FALSE(client.send(make_request("GET", over_h2.authority()), heard.listen(kOverHttp2)));
  EXPECT_TRUE(heard.all.empty());
}

// ---- 100 (Continue), between a client that waits for it and an upstream

// A request whose body comes late; `dropped` tells when nobody wants it any more.
Request waiting_request(TestClient& client, const std::string& authority, bool* dropped) {
  Request request = make_request("POST", authority);
  std::vector<BodyPart> parts;
  parts.push_back({.data = "the body", .end = true});
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 1ms, dropped);
  request.expects_continue = true;
  return request;
}

TEST(Interim, TheBodyIsReadWhenAnHttp11UpstreamHasSaidSo) {
  std::string before, body;
  TestClient client;
  Heard heard;
  bool dropped = false;
  {
    PeerServer server([&](Peer& peer, int) {
      before = peer.read_until("\r\n\r\n");
      ::usleep(50'000);
      peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      body = peer.read_until("the body");
      peer.write(kOk);
    });
    const auto start = std::chrono::steady_clock::now();
    auto response =
        client.send(waiting_request(client, server.authority(), &dropped), heard.listen());
    EXPECT_EQ(testing::body_of(client, std::move(response)), "ok");
    EXPECT_LT(std::chrono::steady_clock::now() - start, limits::kContinueTimeout);
  }
  EXPECT_THAT(before, HasSubstr("\r\nexpect: 100-continue\r\n"));
  EXPECT_THAT(before, Not(HasSubstr("the body")));
  EXPECT_THAT(body, HasSubstr("the body"));
  EXPECT_TRUE(heard.all.empty()) << "reading the body has said it";
}

TEST(Interim, TheBodyIsReadWhenAnHttp2UpstreamHasSaidSo) {
  std::string expect, body;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    expect = peer.field("expect");
    peer.headers(id, {{":status", "100"}});
    body = peer.read_body(id);
    peer.answer(id);
    peer.read_all();
  });
  TestClient client;
  bool dropped = false;
  auto response = client.send(waiting_request(client, server.authority(), &dropped), kOverHttp2);
  EXPECT_EQ(testing::body_of(client, std::move(response)), "ok");
  EXPECT_EQ(expect, "100-continue");
  EXPECT_EQ(body, "the body");
}

TEST(Interim, AnUpstreamThatDeclinesNeverGetsTheBody) {
  for (const ClientOptions& options : {ClientOptions{}, kOverHttp2}) {
    const bool h2 = options.version == ClientVersion::kHttp2;
    std::string rest;
    {
      PeerServer server([&](Peer& raw, int) {
        if (!h2) {
          raw.read_until("\r\n\r\n");
          raw.write("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno");
          rest = raw.read_all();
          return;
        }
        H2Peer peer(raw);
        const int32_t id = peer.read_request();
        peer.headers(id, {{":status", "413"}});
        peer.data(id, "no", true);
        rest = peer.read_body(id);
      });
      TestClient client;
      bool dropped = false;
      auto response = client.send(waiting_request(client, server.authority(), &dropped), options);
      ASSERT_TRUE(response);
      EXPECT_EQ(response->status, 413);
      EXPECT_EQ(client.read_all(*response), "no");
      client.run_until([&] { return dropped; });
    }
    EXPECT_EQ(rest, "");
  }
}

TEST(Interim, AnUpstreamThatSaysNothingGetsTheBodyAllTheSame) {
  TestClient client;
  bool dropped = false;
  PeerServer server([](Peer& peer, int) {
    peer.read_until("the body");
    peer.write(kOk);
  });
  auto response = client.send(waiting_request(client, server.authority(), &dropped));
  EXPECT_EQ(testing::body_of(client, std::move(response)), "ok");
}

TEST(Interim, ABodyThatIsThereIsSentWithoutAsking) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("here");
      peer.write(kOk);
    });
    Request request = make_request("POST", server.authority());
    request.body = make_body("here");
    request.expects_continue = true;
    EXPECT_EQ(testing::body_of(client, client.send(std::move(request))), "ok");
  }
  EXPECT_THAT(seen, Not(HasSubstr("expect")));
}

}  // namespace
}  // namespace cusp::http
