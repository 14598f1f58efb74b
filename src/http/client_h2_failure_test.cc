#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "http/client.h"
#include "http/client_h2_test_peer.h"
#include "http/client_test_support.h"

// What upstreams do that break HTTP/2, or the client's patience.
namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using testing::body_of;
using testing::H2Peer;
using ::testing::HasSubstr;
using testing::hpack_literal;
using testing::make_request;
using testing::number32;
using testing::Peer;
using testing::PeerServer;
using testing::setting;
using testing::SlowBody;
using testing::TestClient;

const ClientOptions kH2{.version = ClientVersion::kHttp2};

// The failure of a GET after whose head the upstream does `act`.
ClientFailure failure_of(const std::function<void(H2Peer&, int32_t id)>& act) {
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    if (id == 0) return;
    act(peer, id);
    peer.read_all();
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()), kH2);
  if (!response) {
    EXPECT_THAT(response.error().error.message, HasSubstr(server.authority()));
    return response.error().failure;
  }
  return client.read_all(*response) ? ClientFailure::kNone : ClientFailure::kResponseIncomplete;
}

// ---- responses that break off

TEST(HttpClientH2Failure, AResetIsAnErrorAndNotSentAgain) {
  std::atomic<int> requests = 0;
  const auto failure = failure_of([&](H2Peer& peer, int32_t id) {
    ++requests;
    peer.reset(id, NGHTTP2_INTERNAL_ERROR);
  });
  EXPECT_EQ(failure, ClientFailure::kConnectionTerminated);
  EXPECT_EQ(requests, 1);
}

TEST(HttpClientH2Failure, ABodyThatBreaksOffIsNeverTakenForAWholeOne) {
  const std::pair<const char*, std::function<void(H2Peer&, Peer&, int32_t)>> ways[] = {
      {"reset", [](H2Peer& peer, Peer&, int32_t id) { peer.reset(id, NGHTTP2_CANCEL); }},
      {"reset without an error",
       [](H2Peer& peer, Peer&, int32_t id) { peer.reset(id, NGHTTP2_NO_ERROR); }},
      {"goaway", [](H2Peer& peer, Peer&, int32_t) { peer.goaway(0); }},
      {"closed", [](H2Peer&, Peer&, int32_t) {}},
      {"connection reset", [](H2Peer&, Peer& raw, int32_t) { raw.reset(); }},
  };
  for (const auto& [name, end] : ways) {
    std::atomic<bool> seen = false;
    PeerServer server([&](Peer& raw, int) {
      H2Peer peer(raw);
      const int32_t id = peer.read_request();
      peer.headers(id, {{":status", "200"}});
      peer.data(id, "half");
      while (!seen) ::usleep(1000);
      end(peer, raw, id);
    });
    TestClient client;
    auto response = client.send(make_request("GET", server.authority()), kH2);
    seen = true;
    ASSERT_TRUE(response) << name << ": " << response.error().error.message;
    EXPECT_FALSE(client.read_all(*response)) << name;
  }
}

TEST(HttpClientH2Failure, AnAnswerBeforeTheEndOfTheRequestIsWhole) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.answer(id, "enough");
    peer.reset(id, NGHTTP2_NO_ERROR);
    peer.read_all();
  });
  TestClient client;
  bool dropped = false;
  std::vector<BodyPart> parts(1, BodyPart{.data = "never"});
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 60s, &dropped);
  EXPECT_EQ(body_of(client, client.send(std::move(request), kH2)), "enough");
  client.run_until([&] { return dropped; });
}

// ---- time

TEST(HttpClientH2Failure, NoResponseInTimeAndTheSilentConnectionIsNotTrustedAgain) {
  PeerServer server([](Peer& raw, int number) {
    H2Peer peer(raw);
    peer.answer(peer.read_request());
    if (number == 0) raw.read_all();  // from here on like a peer whose machine is gone
    peer.read_all();
  });
  TestClient client;
  ClientOptions hasty = kH2;
  hasty.first_byte_timeout = 100ms;
  EXPECT_EQ(body_of(client, client.send(make_request("GET", server.authority()), kH2)), "ok");
  client.settle();
  const auto response = client.send(make_request("GET", server.authority()), hasty);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kReadTimeout);
  EXPECT_EQ(response.error().error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(body_of(client, client.send(make_request("GET", server.authority()), kH2)), "ok");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientH2Failure, ABodyThatStopsComingIsGivenUp) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.headers(id, {{":status", "200"}});
    peer.data(id, "half");
    // That it is alive does not help.
    for (int i = 0; i < 20; ++i, ::usleep(10'000)) peer.frame(NGHTTP2_PING, 0, 0, "anybody?");
    peer.read_all();
  });
  TestClient client;
  ClientOptions hasty = kH2;
  hasty.between_bytes_timeout = 60ms;
  auto response = client.send(make_request("GET", server.authority()), hasty);
  ASSERT_TRUE(response);
  ASSERT_TRUE(client.read(*response));
  const auto part = client.read(*response);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpClientH2Failure, AnUpstreamWithoutAWindowIsGivenUp) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw, setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
    peer.read_all();
  });
  TestClient client;
  ClientOptions hasty = kH2;
  hasty.between_bytes_timeout = 60ms;
  hasty.first_byte_timeout = 60ms;
  Request request = make_request("POST", server.authority());
  request.body = make_body(std::string(200'000, 'x'));
  const auto response = client.send(std::move(request), hasty);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kReadTimeout);
}

TEST(HttpClientH2Failure, AnUpstreamThatAllowsNoStreamAtAllIsGivenUp) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw, setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0));
    peer.read_all();
  });
  TestClient client;
  ClientOptions hasty = kH2;
  hasty.first_byte_timeout = 60ms;
  for (int i = 0; i < 2; ++i) {
    const auto response = client.send(make_request("GET", server.authority()), hasty);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kReadTimeout);
  }
}

// ---- breaches

TEST(HttpClientH2Failure, BreachesOfTheProtocolAreErrors) {
  const std::pair<const char*, std::function<void(H2Peer&, int32_t)>> breaches[] = {
      {"no status", [](H2Peer& p, int32_t id) { p.headers(id, {{"x", "1"}}, true); }},
      {"two statuses",
       [](H2Peer& p, int32_t id) {
         p.headers(id, {{":status", "200"}, {":status", "200"}}, true);
       }},
      {"a status that is none", [](H2Peer& p, int32_t id) { p.headers(id, {{":status", "2x0"}}); }},
      {"a switch of protocols", [](H2Peer& p, int32_t id) { p.headers(id, {{":status", "101"}}); }},
      {"a request's field",
       [](H2Peer& p, int32_t id) { p.headers(id, {{":status", "200"}, {":path", "/"}}, true); }},
      {"a name in upper case",
       [](H2Peer& p, int32_t id) { p.headers(id, {{":status", "200"}, {"Upper", "1"}}, true); }},
      {"a value with a line end",
       [](H2Peer& p, int32_t id) {
         p.headers(id, {{":status", "200"}, {"x", "a\r\nb: c"}}, true);
       }},
      {"a field of the connection",
       [](H2Peer& p, int32_t id) {
         p.headers(id, {{":status", "200"}, {"transfer-encoding", "chunked"}}, true);
       }},
      {"data before the head", [](H2Peer& p, int32_t id) { p.data(id, "early", true); }},
      {"an interim response that ends the stream",
       [](H2Peer& p, int32_t id) { p.headers(id, {{":status", "100"}}, true); }},
      {"a push that was ruled out",
       [](H2Peer& p, int32_t id) {
         p.frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, id,
                 number32(2) + hpack_literal(":method", "GET"));
       }},
      {"a stream of the upstream's own",
       [](H2Peer& p, int32_t) { p.headers(2, {{":status", "200"}}, true); }},
      {"a stream that nobody opened",
       [](H2Peer& p, int32_t id) { p.headers(id + 100, {{":status", "200"}}, true); }},
      {"a window over the limit",
       [](H2Peer& p, int32_t) { p.frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number32(0x7fffffff)); }},
      {"a window update of nothing",
       [](H2Peer& p, int32_t id) { p.frame(NGHTTP2_WINDOW_UPDATE, 0, id, number32(0)); }},
      {"a frame over the limit",
       [](H2Peer& p, int32_t id) { p.data(id, std::string(20'000, 'x')); }},
      {"settings of a broken size",
       [](H2Peer& p, int32_t) { p.frame(NGHTTP2_SETTINGS, 0, 0, "12345"); }},
      {"a field section that does not decode",
       [](H2Peer& p, int32_t id) {
         p.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, "\xff\xff\xff\xff\xff\xff");
       }},
      {"another frame within a field section",
       [](H2Peer& p, int32_t id) {
         p.frame(NGHTTP2_HEADERS, 0, id, hpack_literal(":status", "200"));
         p.frame(NGHTTP2_PING, 0, 0, "12345678");
       }},
  };
  for (const auto& [name, act] : breaches)
    EXPECT_EQ(failure_of(act), ClientFailure::kProtocolError) << name;
}

TEST(HttpClientH2Failure, ABodyThatIsNotAsLongAsItSaysIsBroken) {
  for (const char* length : {"3", "5"}) {
    const auto failure = failure_of([&](H2Peer& peer, int32_t id) {
      peer.headers(id, {{":status", "200"}, {"content-length", length}});
      peer.data(id, "four", true);
    });
    EXPECT_THAT(failure, ::testing::AnyOf(ClientFailure::kProtocolError,
                                          ClientFailure::kResponseIncomplete));
  }
}

TEST(HttpClientH2Failure, APeerThatDoesNotSpeakHttp2IsAProtocolError) {
  for (const std::string answer :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n\r\n"}) {
    PeerServer server([&](Peer& raw, int) {
      raw.read_exactly(24);
      raw.write(answer);
      raw.read_all();
    });
    TestClient client;
    const auto response = client.send(make_request("GET", server.authority()), kH2);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kProtocolError);
  }
}

TEST(HttpClientH2Failure, MoreThanTheWindowIsABreach) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.headers(id, {{":status", "200"}});
    const std::string frame =
        testing::H2Client::encode(NGHTTP2_DATA, 0, id, std::string(16'384, 'x'));
    for (int i = 0; i < 64; ++i) raw.write(frame);  // 1 MiB
    peer.read_all();
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  for (int i = 0; i < 5; ++i) client.settle();
  EXPECT_FALSE(client.read_all(*response));
}

// ---- floods

TEST(HttpClientH2Failure, AHeadOverTheLimitIsTooLarge) {
  const auto many = [](H2Peer& peer, int32_t id) {
    testing::FieldList fields = {{":status", "200"}};
    for (int i = 0; i < 101; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
    peer.headers(id, fields, true);
  };
  EXPECT_EQ(failure_of(many), ClientFailure::kResponseTooLarge);
  const auto large = [](H2Peer& peer, int32_t id) {
    const std::string field = hpack_literal("x-large", std::string(15'000, 'x'));
    peer.frame(NGHTTP2_HEADERS, 0, id, hpack_literal(":status", "200"));
    for (int i = 0; i < 5; ++i)
      peer.frame(NGHTTP2_CONTINUATION, i == 4 ? NGHTTP2_FLAG_END_HEADERS : 0, id, field);
  };
  EXPECT_EQ(failure_of(large), ClientFailure::kResponseTooLarge);
  const auto bomb = [](H2Peer& peer, int32_t id) {
    // One entry of 4,000 bytes in the table, and then a byte for each use of it.
    std::string block = hpack_literal(":status", "200");
    std::string entry = hpack_literal("x-bomb", std::string(3'900, 'x'));
    entry[0] = 0x40;  // to be indexed
    block += entry + std::string(10'000, '\xbe');
    peer.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block);
  };
  EXPECT_THAT(failure_of(bomb),
              ::testing::AnyOf(ClientFailure::kResponseTooLarge, ClientFailure::kProtocolError));
}

TEST(HttpClientH2Failure, AnUpstreamThatFloodsIsCutOff) {
  using Flood = std::function<std::string(int32_t id)>;
  const auto frame = testing::H2Client::encode;
  const std::pair<const char*, Flood> floods[] = {
      {"PING", [&](int32_t) { return frame(NGHTTP2_PING, 0, 0, "12345678"); }},
      {"SETTINGS", [&](int32_t) { return frame(NGHTTP2_SETTINGS, 0, 0, ""); }},
      {"PRIORITY",
       [&](int32_t id) { return frame(NGHTTP2_PRIORITY, 0, id, std::string("\0\0\0\0\1", 5)); }},
      {"WINDOW_UPDATE", [&](int32_t) { return frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number32(1)); }},
      {"CONTINUATION", [&](int32_t id) { return frame(NGHTTP2_CONTINUATION, 0, id, ""); }},
      {"interim responses",
       [&](int32_t id) {
         return frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id,
                      hpack_literal(":status", "100"));
       }},
      {"empty DATA", [&](int32_t id) { return frame(NGHTTP2_DATA, 0, id, ""); }},
  };
  for (const auto& [name, flood] : floods) {
    std::atomic<bool> cut = false;
    const bool data = name == std::string("empty DATA");
    PeerServer server([&](Peer& raw, int) {
      H2Peer peer(raw);
      const int32_t id = peer.read_request();
      if (data) peer.headers(id, {{":status", "200"}});
      if (name == std::string("CONTINUATION"))
        peer.frame(NGHTTP2_HEADERS, 0, id, hpack_literal(":status", "200"));
      std::string burst;
      for (int i = 0; i < 1000; ++i) burst += flood(id);
      for (int i = 0; i < 20 && !cut; ++i) raw.write(burst);
      peer.read_all();
      cut = true;
    });
    TestClient client;
    ClientOptions options = kH2;
    options.first_byte_timeout = 10s;
    const auto start = std::chrono::steady_clock::now();
    auto response = client.send(make_request("GET", server.authority()), options);
    if (data) {
      ASSERT_TRUE(response) << name;
      EXPECT_FALSE(client.read_all(*response)) << name;
    } else {
      ASSERT_FALSE(response) << name;
      EXPECT_EQ(response.error().failure, ClientFailure::kProtocolError) << name;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s) << name;
    client.run_until([&] { return cut.load(); });
  }
}

TEST(HttpClientH2Failure, AnUpstreamThatReadsNothingIsNotAnsweredWithoutBound) {
  std::atomic<bool> ended = false;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    peer.read_request();
    // Each PING is to be answered; the answers are never read.
    std::string burst;
    for (int i = 0; i < 1000; ++i)
      burst += testing::H2Client::encode(NGHTTP2_PING, 0, 0, "12345678");
    for (int i = 0; i < 1000; ++i) raw.write(burst);
    ended = true;
  });
  TestClient client;
  const auto response = client.send(make_request("GET", server.authority()), kH2);
  EXPECT_FALSE(response);
  client.run_until([&] { return ended.load(); });
}

}  // namespace
}  // namespace cusp::http
