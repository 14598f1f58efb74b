// Clients that break the rules of HTTP/2, or keep to them in order to hurt.
#include <gtest/gtest.h>

#include <atomic>

#include "http/h2_test_client.h"
#include "http/test_server.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using testing::FieldList;
using testing::get;
using testing::H2Client;
using testing::number32;
using testing::post;
using testing::TestServer;

constexpr uint32_t kCalm = NGHTTP2_ENHANCE_YOUR_CALM;

class H2Attack : public ::testing::Test {
 protected:
  io::Task<Response> respond(Request& request) {
    ++handled_;
    if (!request.body) co_return text_response(200, "hello\n");
    while (true) {
      auto part = co_await request.body->read();
      if (!part) co_return text_response(400, part.error().message);
      if (part->end) co_return text_response(200, "read\n");
    }
  }
  // Whether others are served as if nothing had happened.
  void TearDown() override {
    H2Client other(server_.port());
    EXPECT_EQ(other.request(1, get()).body, "hello\n");
    EXPECT_TRUE(server_.eventually([&] { return server_.server().connections() <= 1; }));
  }

  std::atomic<int> handled_ = 0;
  TestServer server_{[this](Request& request) { return respond(request); },
                     {.body_bytes_max = 100'000, .head_timeout = 300ms, .body_idle_timeout = 5s}};
};

// ---- malformed requests

const FieldList kMalformed[] = {
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "no-slash"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/ b"}},
    {{":method", "GET"},
     {":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"}},
    {{":method", "G T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a b"}, {":path", "/"}},
    {{":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
    {{":method", "GET"}, {":authority", "a"}, {":path", "/"}},
    {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}},
    {{"x", "y"}, {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {":status", "200"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {":unknown", "x"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"Upper", "x"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"connection", "close"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"transfer-encoding", "chunked"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"te", "gzip"}},
    {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"a b", "x"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"x", "a\r\nb: c"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"x", std::string("a\0b", 3)}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"content-length", "12"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"content-length", "-1"}},
    {{":method", "GET"},
     {":scheme", "http"},
     {":authority", "a"},
     {":path", "/"},
     {"content-length", "0"},
     {"content-length", "1"}},
};

TEST_F(H2Attack, MalformedRequestsAreResetAndNeverHandled) {
  for (const FieldList& fields : kMalformed) {
    H2Client client(server_.port());
    auto& answer = client.request(1, fields);
    const std::string what =
        fields.front().first + " … " + fields.back().first + "=" + fields.back().second;
    if (answer.reset) {
      EXPECT_EQ(answer.reset, uint32_t{NGHTTP2_PROTOCOL_ERROR}) << what;
    } else {
      EXPECT_EQ(answer.status(), "400") << what;
    }
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(H2Attack, ABodyThatIsNotAsLongAsItSaysIsReset) {
  for (const char* text : {"abc", "abcdefgh"}) {
    H2Client client(server_.port());
    auto fields = post();
    fields.emplace_back("content-length", "5");
    client.headers(1, fields, false);
    client.data(1, text, true);
    EXPECT_EQ(client.answer(1).reset, uint32_t{NGHTTP2_PROTOCOL_ERROR}) << text;
  }
}

TEST_F(H2Attack, AnAuthorityAndAHostThatDifferAreABadRequest) {
  H2Client client(server_.port());
  auto fields = get();
  fields.emplace_back("host", "b.test");
  EXPECT_EQ(client.request(1, fields).status(), "400");
}

TEST_F(H2Attack, ConnectIsNotImplemented) {
  H2Client client(server_.port());
  EXPECT_EQ(client.request(1, {{":method", "CONNECT"}, {":authority", "a:443"}}).status(), "501");
  EXPECT_EQ(handled_, 0);
}

// ---- too much

TEST_F(H2Attack, TooManyFieldsAre431AndTheConnectionGoesOn) {
  H2Client client(server_.port());
  auto fields = get();
  for (int i = 0; i < 101; ++i) fields.emplace_back("x", "y");
  EXPECT_EQ(client.request(1, fields).status(), "431");
  EXPECT_EQ(client.request(3, get()).status(), "200");
}

// One field of the dynamic table, named again and again: little to send, much to unpack.
TEST_F(H2Attack, AnHpackBombIsCutShort) {
  H2Client client(server_.port());
  auto fields = get();
  fields.emplace_back("x", std::string(3000, 'x'));
  client.request(1, fields);
  for (int i = 0; i < 4000; ++i) fields.push_back(fields.back());
  client.headers(3, fields, true);
  EXPECT_EQ(client.wait_goaway(), kCalm);
}

TEST_F(H2Attack, ABodyThatSaysItIsTooLargeIs413) {
  H2Client client(server_.port());
  auto fields = post();
  fields.emplace_back("content-length", "100001");
  client.headers(1, fields, false);
  EXPECT_EQ(client.answer(1).status(), "413");
  EXPECT_EQ(handled_, 0);
}

TEST_F(H2Attack, ABodyThatGrowsTooLargeIsAnErrorToItsHandler) {
  H2Client client(server_.port());
  client.read_until_ping_after("12345678");
  client.headers(1, post(), false);
  for (int i = 0; i < 13; ++i) client.data(1, std::string(8000, 'x'), false);
  EXPECT_EQ(client.answer(1).body, "the body is larger than the limit");
}

TEST_F(H2Attack, MoreStreamsThanAllowedEndTheConnection) {
  H2Client client(server_.port());
  client.read_until_ping_after("12345678");
  for (int32_t id = 1; id < 2 * 140; id += 2) client.headers(id, post(), false);
  EXPECT_EQ(client.wait_goaway(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
  EXPECT_LE(handled_, 128);
}

// ---- floods

// Sends `frames` until the server ends the connection, a hundred thousand at most.
std::optional<uint32_t> flood(H2Client& client, const std::string& frames) {
  std::string many;
  for (int i = 0; i < 100; ++i) many.append(frames);
  for (int i = 0; i < 1000 && client.send_raw(many); ++i) {
  }
  return client.wait_goaway();
}

struct FloodCase {
  const char* name;
  std::string frames;
};

class H2Flood : public H2Attack, public ::testing::WithParamInterface<FloodCase> {};

TEST_P(H2Flood, EndsTheConnection) {
  H2Client client(server_.port());
  client.headers(1, post(), false);
  const auto error = flood(client, GetParam().frames);
  EXPECT_TRUE(client.closed());
  // The GOAWAY may be lost in the reset of a connection that is still being flooded.
  if (error) EXPECT_EQ(error, kCalm);
}

INSTANTIATE_TEST_SUITE_P(
    Of, H2Flood,
    ::testing::Values(FloodCase{"Ping", H2Client::encode(NGHTTP2_PING, 0, 0, "12345678")},
                      FloodCase{"Settings", H2Client::encode(NGHTTP2_SETTINGS, 0, 0, "")},
                      FloodCase{"EmptyData", H2Client::encode(NGHTTP2_DATA, 0, 1, "")},
                      FloodCase{"Priority", H2Client::encode(NGHTTP2_PRIORITY, 0, 1,
                                                             number32(0) + std::string(1, 'x'))},
                      FloodCase{"WindowUpdate",
                                H2Client::encode(NGHTTP2_WINDOW_UPDATE, 0, 1, number32(1))}),
    [](const auto& info) { return info.param.name; });

TEST_F(H2Attack, RapidResetEndsTheConnectionAndRunsFewHandlers) {
  H2Client client(server_.port());
  bool open = true;
  for (int32_t id = 1; id < 100'000 && open; id += 2)
    open = client.headers(id, get(), true) && client.reset(id);
  const auto error = client.wait_goaway();
  EXPECT_TRUE(client.closed());
  if (error) EXPECT_EQ(error, kCalm);
  EXPECT_LT(handled_, 1000);
}

// MadeYouReset: the client makes the server reset its streams by what it sends on them.
TEST_F(H2Attack, MakingTheServerResetEndsTheConnection) {
  auto malformed = post();
  malformed.emplace_back("Upper", "x");
  for (const bool window : {true, false}) {
    H2Client client(server_.port());
    bool open = true;
    for (int32_t id = 1; id < 100'000 && open; id += 2) {
      open = client.headers(id, window ? post() : malformed, false);
      if (window) client.frame(NGHTTP2_WINDOW_UPDATE, 0, id, number32(0x7fffffff));
    }
    const auto error = client.wait_goaway();
    EXPECT_TRUE(client.closed());
    if (error) EXPECT_EQ(error, kCalm) << client.goaway_text();
  }
  EXPECT_LT(handled_, 1000);
}

TEST_F(H2Attack, AContinuationFloodEndsTheConnection) {
  H2Client client(server_.port());
  client.read_until_ping_after("12345678");  // no answer to SETTINGS must come in between
  client.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, client.compress(get()));
  const auto error = flood(client, H2Client::encode(NGHTTP2_CONTINUATION, 0, 1, "\x82"));
  EXPECT_TRUE(client.closed());
  if (error) EXPECT_EQ(error, kCalm);
  EXPECT_EQ(handled_, 0);
}

TEST_F(H2Attack, AHeadThatNeverEndsIsGivenUp) {
  H2Client client(server_.port());
  client.read_until_ping_after("12345678");  // no answer to SETTINGS must come in between
  client.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, client.compress(get()));
  EXPECT_EQ(client.wait_goaway(), kCalm);
}

TEST_F(H2Attack, ASkippedStreamCannotBeOpenedLater) {
  H2Client client(server_.port());
  client.request(5, get());
  client.headers(3, get(), true);
  EXPECT_EQ(client.wait_goaway(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
}

TEST_F(H2Attack, GarbageAfterThePrefaceEndsTheConnection) {
  H2Client client(server_.port());
  client.send_raw(std::string(10'000, '\xee'));
  client.wait_goaway();
  EXPECT_TRUE(client.closed());
}

TEST_F(H2Attack, AnHonestClientWithManyRequestsAndPingsIsLeftAlone) {
  H2Client client(server_.port());
  for (int32_t id = 1; id < 6000; id += 2) {
    client.frame(NGHTTP2_PING, 0, 0, "12345678");
    client.frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number32(10));
    ASSERT_EQ(client.request(id, get()).status(), "200") << id;
  }
}

}  // namespace
}  // namespace cusp::http
