#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client_test_support.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::make_request;
using ::testing::Not;
using testing::Peer;
using testing::PeerServer;
using testing::SlowBody;
using ::testing::StartsWith;
using testing::TestClient;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

TEST(HttpClient, GetSendsTheHeadAndReadsABodyOfKnownLength) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("\r\n\r\n");
      peer.write(
          "HTTP/1.1 203 Fine\r\ncontent-length: 5\r\nx-a: b\r\nconnection: close\r\n"
          "keep-alive: timeout=5\r\n\r\nhello");
    });
    Request request = make_request("GET", server.authority(), "/a?b=c");
    request.fields.add("x-test", "yes");
    auto response = client.send(std::move(request));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(response->status, 203);
    EXPECT_EQ(response->fields.get("x-a"), "b");
    EXPECT_FALSE(response->fields.get("connection"));
    EXPECT_FALSE(response->fields.get("keep-alive"));
    EXPECT_EQ(response->body->size(), 5u);
    EXPECT_EQ(client.read_all(*response), "hello");
  }
  EXPECT_THAT(seen, StartsWith("GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:"));
  EXPECT_THAT(seen, HasSubstr("\r\nx-test: yes\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("content-length")));
}

TEST(HttpClient, ReadsAChunkedBodyWithTrailers) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
    std::this_thread::sleep_for(20ms);
    peer.write("lo\r\n6;x=y\r\n world\r\n0\r\nx-sum: 7\r\n\r\n");
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->body->size());
  Fields trailers;
  EXPECT_EQ(client.read_all(*response, &trailers), "hello world");
  EXPECT_EQ(trailers.get("x-sum"), "7");
}

TEST(HttpClient, ReadsABodyThatEndsWithTheConnection) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.0 200 OK\r\n\r\nsome");
    std::this_thread::sleep_for(20ms);
    peer.write("thing");
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  EXPECT_EQ(client.read_all(*response), "something");
}

TEST(HttpClient, ResponsesWithoutABodyHaveNone) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
  });
  TestClient client;
  for (const char* method : {"GET", "GET", "HEAD"}) {
    auto response = client.send(make_request(method, server.authority()));
    ASSERT_TRUE(response);
    EXPECT_FALSE(response->body);
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, InterimResponsesAreSkipped) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    peer.write(kOk);
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_FALSE(response->fields.get("link"));
  EXPECT_EQ(client.read_all(*response), "ok");
}

TEST(HttpClient, ABodyInMemoryIsSentWithItsLength) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("body!");
      peer.write(kOk);
    });
    Request request = make_request("POST", server.authority());
    request.body = make_body("the body!");
    auto response = client.send(std::move(request));
    ASSERT_TRUE(response);
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_THAT(seen, HasSubstr("\r\ncontent-length: 9\r\n"));
  EXPECT_THAT(seen, EndsWith("\r\n\r\nthe body!"));
}

TEST(HttpClient, AnEmptyPostSaysSo) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("\r\n\r\n");
      peer.write(kOk);
    });
    ASSERT_TRUE(client.send(make_request("POST", server.authority())));
  }
  EXPECT_THAT(seen, HasSubstr("\r\ncontent-length: 0\r\n"));
}

TEST(HttpClient, ABodyOfUnknownLengthIsSentInChunksWithItsTrailers) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("x-sum: 1\r\n\r\n");
      peer.write(kOk);
    });
    Fields trailers;
    trailers.add("x-sum", "1");
    std::vector<BodyPart> parts;
    parts.push_back({.data = "one"});
    parts.push_back({.data = "and two", .end = true, .trailers = std::move(trailers)});
    Request request = make_request("PUT", server.authority());
    request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 5ms);
    auto response = client.send(std::move(request));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_THAT(seen, HasSubstr("\r\ntransfer-encoding: chunked\r\n"));
  EXPECT_THAT(seen, EndsWith("\r\n\r\n3\r\none\r\n7\r\nand two\r\n0\r\nx-sum: 1\r\n\r\n"));
}

TEST(HttpClient, TheResponseMayComeWhileTheRequestIsStillBeingSent) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("first");
    peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n");
    peer.read_until("0\r\n\r\n");
    peer.write("4\r\nlate\r\n0\r\n\r\n");
    peer.read_until("GET");
    peer.write(kOk);
  });
  TestClient client;
  std::vector<BodyPart> parts;
  parts.push_back({.data = "first"});
  parts.push_back({.data = "second", .end = true});
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 50ms);
  auto response = client.send(std::move(request));
  ASSERT_TRUE(response);
  auto part = client.read(*response);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->data, "early");
  EXPECT_EQ(client.read_all(*response), "late");
  ASSERT_TRUE(client.send(make_request("GET", server.authority())));
  EXPECT_EQ(server.accepted(), 1) << "both messages were complete: the connection is reused";
}

TEST(HttpClient, LargeBodiesFlowBothWaysAtOnce) {
  constexpr size_t kBytes = 32 * 1024 * 1024;
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    std::thread writer([&] { peer.write_endlessly(kBytes); });
    peer.read_until("END");
    writer.join();
  });
  TestClient client;
  Request request = make_request("POST", server.authority());
  request.body = make_body(std::string(kBytes, 'y') + "END");
  auto response = client.send(std::move(request));
  ASSERT_TRUE(response);
  const auto text = client.read_all(*response);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), kBytes);
}

TEST(HttpClient, TheBodyIsNotReadAheadOfDemand) {
  std::atomic<bool> finished = false;
  TestClient client;
  PeerServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\n\r\n");
    finished = peer.write_endlessly(256 * 1024 * 1024);
  });
  auto response = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(response);
  ASSERT_TRUE(client.read(*response));
  std::this_thread::sleep_for(300ms);
  client.settle();
  EXPECT_FALSE(finished);
  response->body.reset();
}

TEST(HttpClient, AnIdleConnectionServesTheNextRequest) {
  PeerServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty()) peer.write(kOk);
  });
  TestClient client;
  for (int i = 0; i < 5; ++i) {
    auto response = client.send(make_request("GET", server.authority()));
    ASSERT_TRUE(response);
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_EQ(server.accepted(), 1);
  client.destroy_client();
}

TEST(HttpClient, RequestsAtTheSameTimeUseConnectionsOfTheirOwn) {
  PeerServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty()) peer.write(kOk);
  });
  TestClient client;
  auto first = client.send(make_request("GET", server.authority()));
  auto second = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(client.read_all(*second), "ok");
  EXPECT_EQ(client.read_all(*first), "ok");
  EXPECT_EQ(server.accepted(), 2);
  client.destroy_client();
}

TEST(HttpClient, AConnectionThatThePeerClosesIsNotReused) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
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

TEST(HttpClient, ARequestOnAStaleConnectionIsSentAgain) {
  PeerServer server([](Peer& peer, int number) {
    peer.read_until("\r\n\r\n");
    peer.write(kOk);
    // The first connection takes the second request and closes without a word.
    if (number == 0) peer.read_until("\r\n\r\n");
  });
  TestClient client;
  for (int i = 0; i < 2; ++i) {
    auto response = client.send(make_request("GET", server.authority()));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, NamesAreResolved) {
  PeerServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.write(kOk);
  });
  TestClient client;
  auto response = client.send(make_request("GET", "LocalHost:" + std::to_string(server.port())));
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(client.read_all(*response), "ok");
}

}  // namespace
}  // namespace cusp::http
