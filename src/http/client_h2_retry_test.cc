#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "http/client.h"
#include "http/client_h2_test_peer.h"
#include "http/client_test_support.h"

// Requests that may be sent again, and those that must not (RFC 9113 section 8.7).
namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using testing::body_of;
using testing::H2Peer;
using ::testing::HasSubstr;
using testing::make_request;
using testing::number32;
using testing::Peer;
using testing::PeerServer;
using testing::SlowBody;
using testing::TestClient;

const ClientOptions kH2{.version = ClientVersion::kHttp2};

TEST(HttpClientH2Retry, ARefusedRequestIsSentAgainWithItsShortBody) {
  PeerServer server([](Peer& raw, int number) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    const std::string body = peer.read_body(id);
    if (number == 0) {
      peer.reset(id, NGHTTP2_REFUSED_STREAM);
    } else {
      peer.answer(id, "took " + body);
    }
    peer.read_all();
  });
  TestClient client;
  Request request = make_request("POST", server.authority());
  request.body = make_body("payment");
  EXPECT_EQ(body_of(client, client.send(std::move(request), kH2)), "took payment");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientH2Retry, ARefusedRequestWhoseBodyIsGoneIsNotSentAgain) {
  std::atomic<int> requests = 0;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    ++requests;
    peer.read_until(NGHTTP2_DATA);
    peer.reset(id, NGHTTP2_REFUSED_STREAM);
    peer.read_all();
  });
  TestClient client;
  std::vector<BodyPart> parts;
  parts.push_back({.data = "first"});
  parts.push_back({.data = "second", .end = true});
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 50ms);
  const auto response = client.send(std::move(request), kH2);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kConnectionTerminated);
  EXPECT_EQ(requests, 1);
}

TEST(HttpClientH2Retry, ARequestIsNeverSentAgainWithoutItsBody) {
  // Refused at each moment between its head and its end, it arrives whole or not at all.
  constexpr size_t kBytes = 200'000;
  for (int frames = 0; frames <= 4; ++frames) {  // what the first window takes
    std::atomic<size_t> received = kBytes;
    PeerServer server([&](Peer& raw, int number) {
      H2Peer peer(raw);
      const int32_t id = peer.read_request();
      if (number == 0) {
        for (int i = 0; i < frames; ++i) peer.read_until(NGHTTP2_DATA);
        peer.reset(id, NGHTTP2_REFUSED_STREAM);
      } else {
        EXPECT_EQ(peer.field("content-length"), std::to_string(kBytes));
        peer.frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number32(1 << 20));
        peer.frame(NGHTTP2_WINDOW_UPDATE, 0, id, number32(1 << 20));
        received = peer.read_body(id).size();
        peer.answer(id);
      }
      peer.read_all();
    });
    TestClient client;
    Request request = make_request("POST", server.authority());
    request.body = make_body(std::string(kBytes, 'x'));
    const auto response = client.send(std::move(request), kH2);
    EXPECT_EQ(received, kBytes);
    if (!response) EXPECT_EQ(server.accepted(), 1);
  }
}

TEST(HttpClientH2Retry, AnUpstreamThatRefusesForEverIsGivenUp) {
  std::atomic<int> requests = 0;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    while (const int32_t id = peer.read_request()) {
      ++requests;
      peer.reset(id, NGHTTP2_REFUSED_STREAM);
    }
  });
  TestClient client;
  const auto response = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kConnectionTerminated);
  EXPECT_THAT(response.error().error.message, HasSubstr("refused"));
  EXPECT_EQ(requests, 3);
}

TEST(HttpClientH2Retry, WhatAGoawayLeavesOutIsSentAgainElsewhere) {
  PeerServer server([](Peer& raw, int number) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    if (number == 0) {
      peer.goaway(0);
    } else {
      peer.answer(id);
    }
    peer.read_all();
  });
  TestClient client;
  EXPECT_EQ(body_of(client, client.send(make_request("DELETE", server.authority()), kH2)), "ok");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientH2Retry, WhatAGoawayTakesInIsFinishedAndNothingFollowsIt) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.goaway(id);
    peer.answer(id);
    EXPECT_EQ(peer.read_request(), 0) << "the connection takes no more";
  });
  TestClient client;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(body_of(client, client.send(make_request("GET", server.authority()), kH2)), "ok");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientH2Retry, WhoWantsHttp1GetsIt) {
  PeerServer server([](Peer& raw, int number) {
    if (number == 1) {
      EXPECT_THAT(raw.read_until("\r\n\r\n"), HasSubstr("GET / HTTP/1.1\r\n"));
      raw.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold");
      return;
    }
    H2Peer peer(raw);
    peer.reset(peer.read_request(), NGHTTP2_HTTP_1_1_REQUIRED);
    peer.read_all();
  });
  TestClient client;
  EXPECT_EQ(body_of(client, client.send(make_request("GET", server.authority()), kH2)), "old");
}

TEST(HttpClientH2Retry, OnlyARequestThatMayBeRepeatedSurvivesAStaleConnection) {
  for (const char* method : {"GET", "POST"}) {
    PeerServer server([](Peer& raw, int) {
      H2Peer peer(raw);
      peer.answer(peer.read_request());
      peer.read_request();  // and closes without a word
    });
    TestClient client;
    EXPECT_EQ(body_of(client, client.send(make_request("GET", server.authority()), kH2)), "ok");
    const auto response = client.send(make_request(method, server.authority()), kH2);
    EXPECT_EQ(response.has_value(), method == std::string("GET"));
    EXPECT_EQ(server.accepted(), response ? 2 : 1);
    if (!response) EXPECT_EQ(response.error().failure, ClientFailure::kConnectionTerminated);
  }
}

}  // namespace
}  // namespace cusp::http
