#include "http/client_h2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "http/client.h"
#include "http/client_h2_test_peer.h"
#include "http/client_test_support.h"
#include "http/test_server.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using testing::H2Peer;
using testing::make_request;
using ::testing::Not;
using ::testing::Pair;
using testing::Peer;
using testing::PeerServer;
using testing::setting;
using testing::SlowBody;
using testing::TestClient;
using testing::TestServer;

const ClientOptions kH2{.version = ClientVersion::kHttp2};

io::Task<Response> echo(Request& request) {
  Response response;
  response.fields.add("x-version", request.version == Version::kHttp2 ? "2" : "1.1");
  response.fields.add("x-target", request.target);
  response.body = std::move(request.body);
  co_return response;
}

std::string authority(TestServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

// A body without end that counts what was asked of it.
class EndlessBody final : public Body {
 public:
  explicit EndlessBody(std::atomic<uint64_t>& bytes) : bytes_(bytes) {}
  io::Task<Result<BodyPart>> read() override {
    bytes_ += limits::kBodyChunkBytes;
    co_return BodyPart{.data = std::string(limits::kBodyChunkBytes, 'x')};
  }
  bool ready() override { return true; }

 private:
  std::atomic<uint64_t>& bytes_;
};

// Keeps the request's body, unread, and never says anything itself.
class RestingBody final : public Body {
 public:
  RestingBody(io::Executor executor, std::unique_ptr<Body> kept)
      : slow_(executor, {}, 60s), kept_(std::move(kept)) {}
  io::Task<Result<BodyPart>> read() override { return slow_.read(); }
  bool ready() override { return false; }

 private:
  SlowBody slow_;
  std::unique_ptr<Body> kept_;
};

TEST(HttpClientH2, RequestsOneAfterTheOtherUseOneConnection) {
  TestServer server(echo);
  TestClient client;
  for (int i = 0; i < 5; ++i) {
    Request request = make_request("POST", authority(server), "/a?b=" + std::to_string(i));
    request.body = make_body("over HTTP/2");
    auto response = client.send(std::move(request), kH2);
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(response->fields.get("x-version"), "2");
    EXPECT_EQ(response->fields.get("x-target"), "/a?b=" + std::to_string(i));
    EXPECT_EQ(client.read_all(*response), "over HTTP/2");
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClientH2, InClearTextHttp1IsSpokenUnlessAskedOtherwise) {
  TestServer server(echo);
  TestClient client;
  auto response = client.send(make_request("GET", authority(server)));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->fields.get("x-version"), "1.1");
}

TEST(HttpClientH2, TheHeadOfARequestSaysWhatHttp2Wants) {
  testing::FieldList seen;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    EXPECT_EQ(peer.preface(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const int32_t id = peer.read_request();
    seen = peer.fields();
    peer.answer(id);
    peer.read_all();
  });
  TestClient client;
  Request request = make_request("PUT", server.authority(), "/p?q");
  for (const auto& [name, value] : testing::FieldList{{"host", "evil.test"},
                                                      {"connection", "x-hop"},
                                                      {"te", "gzip"},
                                                      {"te", "trailers"},
                                                      {"expect", "100-continue"},
                                                      {"transfer-encoding", "chunked"},
                                                      {"X-Own", "1"}}) {
    request.fields.add(name, value);
  }
  request.body = make_body("12345");
  auto response = client.send(std::move(request), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(client.read_all(*response), "ok");
  EXPECT_THAT(seen, AllOf(Contains(Pair(":method", "PUT")), Contains(Pair(":path", "/p?q")),
                          Contains(Pair(":scheme", "http")),
                          Contains(Pair(":authority", server.authority())),
                          Contains(Pair("content-length", "5")), Contains(Pair("x-own", "1")),
                          Contains(Pair("te", "trailers"))));
  for (const char* name : {"host", "connection", "expect", "transfer-encoding"})
    EXPECT_THAT(seen, Not(Contains(Pair(name, ::testing::_))));
  EXPECT_THAT(seen, Not(Contains(Pair("te", "gzip"))));
}

TEST(HttpClientH2, ManyRequestsShareAConnection) {
  TestServer server([](Request& request) -> io::Task<Response> {
    std::vector<BodyPart> parts;
    parts.push_back({.data = request.target, .end = true});
    Response response;
    response.body =
        std::make_unique<SlowBody>(co_await io::asio::this_coro::executor, std::move(parts), 50ms);
    co_return response;
  });
  TestClient client;
  std::vector<Response> responses;
  for (int i = 0; i < 100; ++i) {
    auto response =
        client.send(make_request("GET", authority(server), "/" + std::to_string(i)), kH2);
    ASSERT_TRUE(response) << response.error().error.message;
    responses.push_back(std::move(*response));
  }
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(client.read_all(responses[static_cast<size_t>(i)]), "/" + std::to_string(i));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClientH2, BeyondTheStreamsThatTheUpstreamAllowsAnotherConnectionIsOpened) {
  PeerServer server([](Peer& raw, int number) {
    H2Peer peer(raw, setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1));
    const int32_t first = peer.read_request();
    peer.headers(first, {{":status", "200"}, {"x-number", std::to_string(number)}});
    // What follows comes only when the first has ended.
    if (number == 0) peer.read_until(NGHTTP2_RST_STREAM);
    const int32_t second = number == 0 ? peer.read_request() : 0;
    if (second != 0) peer.answer(second, "again");
    peer.read_all();
  });
  TestClient client;
  auto first = client.send(make_request("GET", server.authority()), kH2);
  auto second = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->fields.get("x-number"), "0");
  EXPECT_EQ(second->fields.get("x-number"), "1");
  EXPECT_EQ(server.accepted(), 2);
  first->body.reset();
  client.settle();
  auto third = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_TRUE(third) << third.error().error.message;
  EXPECT_EQ(client.read_all(*third), "again");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClientH2, LargeBodiesFlowBothWaysAtOnce) {
  TestServer server(echo);
  TestClient client;
  const std::string data(16 * 1024 * 1024, 'y');
  Request request = make_request("POST", authority(server));
  request.body = make_body(data);
  auto response = client.send(std::move(request), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_TRUE(client.read_all(*response) == data);
}

TEST(HttpClientH2, TrailersPassBothWays) {
  TestServer server(echo);
  TestClient client;
  Fields trailers;
  trailers.add("x-sum", "1");
  std::vector<BodyPart> parts;
  parts.push_back({.data = "one"});
  parts.push_back({.data = "two", .end = true, .trailers = std::move(trailers)});
  Request request = make_request("POST", authority(server));
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 5ms);
  auto response = client.send(std::move(request), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  Fields received;
  EXPECT_EQ(client.read_all(*response, &received), "onetwo");
  EXPECT_EQ(received.get("x-sum"), "1");
}

TEST(HttpClientH2, AnswersWithoutContentHaveNoBody) {
  TestServer server([](Request& request) -> io::Task<Response> {
    Response response = text_response(200, "never seen");
    if (request.target == "/204") response = {.status = 204};
    if (request.target == "/304") response = {.status = 304};
    co_return response;
  });
  TestClient client;
  for (const auto& [method, target, status] :
       {std::tuple("HEAD", "/", 200), std::tuple("GET", "/204", 204),
        std::tuple("GET", "/304", 304)}) {
    auto response = client.send(make_request(method, authority(server), target), kH2);
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(client.read_all(*response), "");
  }
}

TEST(HttpClientH2, InterimResponsesArePassedOver) {
  PeerServer server([](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t id = peer.read_request();
    peer.headers(id, {{":status", "103"}, {"link", "</a>"}});
    peer.headers(id, {{":status", "100"}});
    peer.headers(id, {{":status", "200"}, {"x-final", "1"}}, true);
    peer.read_all();
  });
  TestClient client;
  auto response = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(response->status, 200);
  EXPECT_FALSE(response->fields.get("link"));
  EXPECT_EQ(response->fields.get("x-final"), "1");
}

TEST(HttpClientH2, AResponseIsNotReadAheadOfDemandBeyondAWindow) {
  std::atomic<uint64_t> bytes = 0;
  TestServer server([&](Request&) -> io::Task<Response> {
    Response response;
    response.body = std::make_unique<EndlessBody>(bytes);
    co_return response;
  });
  TestClient client;
  auto stalled = client.send(make_request("GET", authority(server)), kH2);
  ASSERT_TRUE(stalled);
  for (int i = 0; i < 10; ++i) client.settle();
  EXPECT_LE(bytes, 512u * 1024);
  // It holds nobody else up, and goes on when it is read again.
  auto other = client.send(make_request("GET", authority(server)), kH2);
  ASSERT_TRUE(other);
  uint64_t read = 0;
  while (read < 4 * 1024 * 1024) read += client.read(*other)->data.size();
  const uint64_t before = bytes;
  for (read = 0; read < 1024 * 1024;) read += client.read(*stalled)->data.size();
  EXPECT_GT(bytes, before);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClientH2, ARequestIsNotReadAheadOfTheUpstreamBeyondAWindow) {
  std::atomic<uint64_t> bytes = 0;
  TestServer server([](Request& request) -> io::Task<Response> {
    Response response;
    response.body = std::make_unique<RestingBody>(co_await io::asio::this_coro::executor,
                                                  std::move(request.body));
    co_return response;
  });
  TestClient client;
  Request request = make_request("POST", authority(server));
  request.body = std::make_unique<EndlessBody>(bytes);
  auto response = client.send(std::move(request), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  for (int i = 0; i < 10; ++i) client.settle();
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, 512u * 1024);
  response->body.reset();
  client.settle();
}

TEST(HttpClientH2, DroppingABodyResetsItsStreamAndLeavesTheConnection) {
  std::atomic<uint32_t> code = 0;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    const int32_t first = peer.read_request();
    peer.headers(first, {{":status", "200"}});
    peer.data(first, "part");
    const auto reset = peer.read_until(NGHTTP2_RST_STREAM);
    code = reset ? H2Peer::code_at(*reset, 0) : 0;
    peer.data(first, "under way still");
    peer.answer(peer.read_request());
    peer.read_all();
  });
  TestClient client;
  bool dropped = false;
  std::vector<BodyPart> parts(1, BodyPart{.data = "never"});
  Request request = make_request("POST", server.authority());
  request.body = std::make_unique<SlowBody>(client.executor(), std::move(parts), 60s, &dropped);
  auto response = client.send(std::move(request), kH2);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(client.read(*response)->data, "part");
  response->body.reset();
  client.run_until([&] { return dropped; });
  auto next = client.send(make_request("GET", server.authority()), kH2);
  ASSERT_TRUE(next) << next.error().error.message;
  EXPECT_EQ(client.read_all(*next), "ok");
  EXPECT_EQ(code, NGHTTP2_CANCEL);
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClientH2, ARequestThatIsGivenUpIsReset) {
  std::atomic<bool> reset = false;
  PeerServer server([&](Peer& raw, int) {
    H2Peer peer(raw);
    peer.read_request();
    reset = peer.read_until(NGHTTP2_RST_STREAM).has_value();
  });
  TestClient client;
  io::asio::cancellation_signal cancel;
  bool ended = false;
  io::asio::co_spawn(client.executor(),
                     client.client().send(make_request("GET", server.authority()), kH2),
                     io::asio::bind_cancellation_slot(
                         cancel.slot(), [&](std::exception_ptr, auto) { ended = true; }));
  client.settle();
  cancel.emit(io::asio::cancellation_type::terminal);
  client.run_until([&] { return ended && reset; });
}

}  // namespace
}  // namespace cusp::http
