// What a well-behaved client sees of an HTTP/2 session. h2_attack_test.cc has the others.
#include "http/h2_session.h"

#include <gtest/gtest.h>

#include <atomic>

#include "http/h2_test_client.h"
#include "http/test_server.h"
#include "io/event.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using testing::FieldList;
using testing::get;
using testing::H2Client;
using testing::post;
using testing::TestServer;

io::Task<Response> hello(Request&) { co_return text_response(200, "hello\n"); }

io::Task<Response> echo(Request& request) {
  Response response;
  response.body = std::move(request.body);
  co_return response;
}

io::Task<std::string> read_all(Body& body, Fields* trailers = nullptr) {
  std::string text;
  while (true) {
    auto part = co_await body.read();
    if (!part) co_return text + " error: " + part.error().message;
    text.append(part->data);
    if (!part->end) continue;
    if (part->trailers && trailers != nullptr) *trailers = std::move(*part->trailers);
    co_return text;
  }
}

// A body in the parts that a test gives, of unknown length; an error after the last one if none of
// them is the end.
class PartsBody final : public Body {
 public:
  explicit PartsBody(std::vector<BodyPart> parts, bool ready = false)
      : parts_(std::move(parts)), ready_(ready) {}
  io::Task<Result<BodyPart>> read() override {
    if (!ready_) co_await io::asio::post(io::use_task);
    if (at_ == parts_.size()) co_return fail(ErrorCode::kUnavailable, "the producer failed");
    co_return std::move(parts_[at_++]);
  }
  bool ready() override { return ready_; }

 private:
  std::vector<BodyPart> parts_;
  size_t at_ = 0;
  bool ready_;
};

TEST(H2Session, AnswersAShortRequestInOneWrite) {
  TestServer server(hello);
  H2Client client(server.port());
  ASSERT_EQ(client.request(1, get()).body, "hello\n");
  client.headers(3, get(), true);
  client.peek_after(200);
  auto& answer = client.answer(3);
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.field("content-length"), "6");
  EXPECT_NE(answer.field("date"), "(none)");
  EXPECT_EQ(client.reads_of_last_answer(), 1u);
}

TEST(H2Session, EchoesABodyLargerThanEveryWindow) {
  TestServer server(echo);
  H2Client client(server.port());
  std::string sent;
  client.headers(1, post(), false);
  for (int i = 0; i < 1000; ++i) {
    const std::string part(16'000, static_cast<char>('a' + i % 26));
    sent.append(part);
    ASSERT_TRUE(client.send_data(1, part));
  }
  client.data(1, "", true);
  EXPECT_EQ(client.answer(1).body, sent);
  EXPECT_TRUE(client.answer(1).ended);
}

TEST(H2Session, ManyStreamsAtOnceEachGetTheirOwnAnswer) {
  TestServer server(echo);
  H2Client client(server.port());
  for (int32_t id = 1; id < 200; id += 2) {
    client.headers(id, post(), false);
    client.data(id, "this is " + std::to_string(id), false);
  }
  for (int32_t id = 199; id > 0; id -= 2) client.data(id, ".", true);
  for (int32_t id = 1; id < 200; id += 2)
    EXPECT_EQ(client.answer(id).body, "this is " + std::to_string(id) + ".");
}

TEST(H2Session, TrailersGoBothWays) {
  TestServer server([](Request& request) -> io::Task<Response> {
    Fields trailers;
    const std::string text = co_await read_all(*request.body, &trailers);
    trailers.add("x-sum", "7");
    std::vector<BodyPart> parts;
    parts.push_back({.data = text, .end = true, .trailers = std::move(trailers)});
    Response response;
    response.body = std::make_unique<PartsBody>(std::move(parts));
    co_return response;
  });
  H2Client client(server.port());
  client.headers(1, post(), false);
  client.data(1, "body", false);
  client.headers(1, {{"x-check", "abc"}}, true);
  auto& answer = client.answer(1);
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.trailers, (FieldList{{"x-check", "abc"}, {"x-sum", "7"}}));
}

TEST(H2Session, HeadGetsTheLengthAndNoBody) {
  TestServer server(hello);
  H2Client client(server.port());
  auto fields = get();
  fields[0].second = "HEAD";
  auto& answer = client.request(1, fields);
  EXPECT_EQ(answer.field("content-length"), "6");
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.ended);
}

TEST(H2Session, StatusesWithoutABodyGetNone) {
  TestServer server([](Request& request) -> io::Task<Response> {
    co_return text_response(request.target == "/304" ? 304 : 204, "not to be seen");
  });
  H2Client client(server.port());
  EXPECT_EQ(client.request(1, get("/304")).body, "");
  EXPECT_EQ(client.request(3, get("/204")).body, "");
  EXPECT_EQ(client.answer(3).field("content-length"), "(none)");
}

TEST(H2Session, FieldsOfTheConnectionAreLeftOutOfAResponse) {
  TestServer server([](Request&) -> io::Task<Response> {
    Response response = text_response(200, "x");
    response.fields.add("connection", "close");
    response.fields.add("transfer-encoding", "chunked");
    response.fields.add("x-kept", "yes");
    co_return response;
  });
  H2Client client(server.port());
  auto& answer = client.request(1, get());
  EXPECT_EQ(answer.field("connection"), "(none)");
  EXPECT_EQ(answer.field("transfer-encoding"), "(none)");
  EXPECT_EQ(answer.field("x-kept"), "yes");
}

TEST(H2Session, TellsAClientThatWaitsToGoOn) {
  TestServer server([](Request& request) -> io::Task<Response> {
    co_return text_response(200, co_await read_all(*request.body));
  });
  H2Client client(server.port());
  auto fields = post();
  fields.emplace_back("expect", "100-continue");
  client.headers(1, fields, false);
  client.read_until_headers(1);
  EXPECT_EQ(client.peek(1).status(), "100");
  client.data(1, "gone on", true);
  EXPECT_EQ(client.answer(1).body, "gone on");
  EXPECT_EQ(client.answer(1).status(), "200");
}

TEST(H2Session, AnEarlyAnswerIsCompleteAndThenStopsTheUpload) {
  TestServer server(hello);
  H2Client client(server.port());
  client.headers(1, post(), false);
  client.data(1, "the beginning", false);
  EXPECT_EQ(client.answer(1).body, "hello\n");
  EXPECT_TRUE(client.answer(1).ended);
  EXPECT_EQ(client.wait_reset(1), uint32_t{NGHTTP2_NO_ERROR});
  client.data(1, "still under way", false);
  EXPECT_EQ(client.request(3, get()).body, "hello\n");
}

TEST(H2Session, AHandlerThatDoesNotReadHoldsTheClientBackAfterItsWindow) {
  std::atomic<bool> release = false;
  TestServer server([&](Request& request) -> io::Task<Response> {
    io::Timer timer(co_await io::asio::this_coro::executor);
    while (!release) {
      timer.expires_after(5ms);
      co_await timer.async_wait(io::use_task);
    }
    co_return text_response(200, std::to_string((co_await read_all(*request.body)).size()));
  });
  H2Client client(server.port());
  client.read_until_ping_after("12345678");  // the server's windows are known
  client.headers(1, post(), false);
  size_t sent = 0;
  while (client.send_window(1) >= 16'000) {
    client.data(1, std::string(16'000, 'x'), false);
    sent += 16'000;
    client.read_available();
  }
  EXPECT_LE(sent, 256u * 1024);
  EXPECT_GT(sent, 200'000u);
  release = true;
  client.send_data(1, std::string(16'000, 'y'));
  client.data(1, "", true);
  EXPECT_EQ(client.answer(1).body, std::to_string(sent + 16'000));
}

TEST(H2Session, AStatusThatNoAnswerHasIsABadGateway) {
  TestServer server([](Request&) -> io::Task<Response> { co_return text_response(103, "x"); });
  H2Client client(server.port());
  EXPECT_EQ(client.request(1, get()).status(), "502");
}

TEST(H2Session, ABodyThatFailsMidwayResetsItsStreamOnly) {
  TestServer server([](Request& request) -> io::Task<Response> {
    std::vector<BodyPart> parts;
    parts.push_back({.data = "half"});
    if (request.target == "/whole") parts.push_back({.data = "whole", .end = true});
    Response response;
    response.body = std::make_unique<PartsBody>(std::move(parts));
    co_return response;
  });
  H2Client client(server.port());
  auto& broken = client.request(1, get("/broken"));
  EXPECT_EQ(broken.body, "half");
  EXPECT_FALSE(broken.ended);
  EXPECT_EQ(broken.reset, uint32_t{NGHTTP2_INTERNAL_ERROR});
  EXPECT_EQ(client.request(3, get("/whole")).body, "halfwhole");
}

TEST(H2Session, ABodyThatFailsBeforeItsFirstPartIsABadGateway) {
  TestServer server([](Request&) -> io::Task<Response> {
    Response response;
    response.body = std::make_unique<PartsBody>(std::vector<BodyPart>(), true);
    co_return response;
  });
  H2Client client(server.port());
  EXPECT_EQ(client.request(1, get()).status(), "502");
}

TEST(H2Session, ABodyThatBreaksItsContentLengthIsNeverEndedCleanly) {
  for (const char* length : {"3", "5"}) {
    TestServer server([length](Request&) -> io::Task<Response> {
      Response response = text_response(200, "four");
      response.fields.set("content-length", length);
      co_return response;
    });
    H2Client client(server.port());
    auto& answer = client.request(1, get());
    EXPECT_FALSE(answer.ended) << length;
    EXPECT_EQ(answer.reset, uint32_t{NGHTTP2_INTERNAL_ERROR}) << length;
  }
}

// ---- clients that go away

struct Gone {
  std::atomic<int> started = 0;
  std::atomic<int> gone = 0;
  std::atomic<int> ended = 0;

  // Waits until the client has gone.
  TestServer::Respond handler() {
    return [this](Request& request) -> io::Task<Response> {
      io::Event event(co_await io::asio::this_coro::executor);
      request.connection->on_client_gone([&] {
        ++gone;
        event.notify();
      });
      ++started;
      while (!co_await event.wait_until(io::Event::Clock::now() + 1s)) {
      }
      ++ended;
      co_return text_response(200, "too late");
    };
  }
};

TEST(H2Session, AResetTellsTheHandlerThatItsClientHasGone) {
  Gone gone;
  TestServer server(gone.handler());
  H2Client client(server.port());
  client.headers(1, get(), true);
  ASSERT_TRUE(server.eventually([&] { return gone.started == 1; }));
  client.reset(1);
  EXPECT_TRUE(server.eventually([&] { return gone.ended == 1; }));
  EXPECT_EQ(gone.gone, 1);
}

TEST(H2Session, TheEndOfTheConnectionTellsEveryHandlerAndLeavesNothingBehind) {
  Gone gone;
  TestServer server(gone.handler());
  {
    H2Client client(server.port());
    for (int32_t id = 1; id < 20; id += 2) client.headers(id, get(), true);
    ASSERT_TRUE(server.eventually([&] { return gone.started == 10; }));
  }
  EXPECT_TRUE(server.eventually([&] { return gone.ended == 10; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(H2Session, ABodyThatIsKeptOutlivesItsConnection) {
  std::unique_ptr<Body> kept;
  std::optional<ErrorCode> error;
  TestServer server([&](Request& request) -> io::Task<Response> {
    kept = std::move(request.body);
    co_return text_response(200, "kept");
  });
  {
    H2Client client(server.port());
    client.headers(1, post(), false);
    EXPECT_EQ(client.answer(1).body, "kept");
    client.data(1, "more", false);
  }
  ASSERT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  server.shard().run([&] {
    io::asio::co_spawn(
        server.shard().executor(),
        [](Body& body, std::optional<ErrorCode>& out) -> io::Task<void> {
          auto part = co_await body.read();
          out = part ? ErrorCode::kInternal : part.error().code;
        }(*kept, error),
        io::asio::detached);
  });
  EXPECT_TRUE(server.eventually([&] { return error == ErrorCode::kCancelled; }));
  server.shard().run([&] { kept.reset(); });
}

TEST(H2Session, AHandlerMayReadOnAfterItsAnswer) {
  std::unique_ptr<Body> kept;
  std::string text;
  TestServer server([&](Request& request) -> io::Task<Response> {
    kept = std::move(request.body);
    io::asio::co_spawn(
        co_await io::asio::this_coro::executor,
        [](std::unique_ptr<Body>& body, std::string& out) -> io::Task<void> {
          out = co_await read_all(*body);
          body.reset();
        }(kept, text),
        io::asio::detached);
    co_return text_response(202, "thanks");
  });
  H2Client client(server.port());
  client.headers(1, post(), false);
  EXPECT_EQ(client.answer(1).status(), "202");
  client.data(1, "after the answer", true);
  EXPECT_TRUE(server.eventually([&] { return text == "after the answer"; }));
  EXPECT_FALSE(client.answer(1).reset);
}

// ---- deadlines and the end

TEST(H2Session, AnIdleConnectionIsClosedPolitely) {
  TestServer server(hello, {.keep_alive_timeout = 200ms});
  H2Client client(server.port());
  client.request(1, get());
  EXPECT_EQ(client.wait_goaway(), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_TRUE(client.closed());
}

TEST(H2Session, PingsDoNotKeepAnIdleConnectionOpen) {
  TestServer server(hello, {.keep_alive_timeout = 300ms});
  H2Client client(server.port());
  const auto begin = std::chrono::steady_clock::now();
  while (client.frame(NGHTTP2_PING, 0, 0, "12345678") &&
         std::chrono::steady_clock::now() - begin < 5s)
    ::usleep(20'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

TEST(H2Session, ABodyThatStopsComingIsAnErrorToItsHandler) {
  TestServer server(
      [](Request& request) -> io::Task<Response> {
        co_return text_response(200, co_await read_all(*request.body));
      },
      {.body_idle_timeout = 200ms});
  H2Client client(server.port());
  client.headers(1, post(), false);
  client.data(1, "half", false);
  EXPECT_EQ(client.answer(1).body, "half error: the client was too slow");
}

TEST(H2Session, AClientThatTakesNothingOfItsAnswerIsReset) {
  TestServer server(hello, {.body_idle_timeout = 200ms});
  H2Client client(server.port(), 0);
  auto& answer = client.request(1, get());
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.reset, uint32_t{NGHTTP2_CANCEL});
}

TEST(H2Session, DrainFinishesWhatRunsAndThenCloses) {
  std::atomic<int> started = 0;
  TestServer server([&](Request&) -> io::Task<Response> {
    ++started;
    io::Timer timer(co_await io::asio::this_coro::executor, 300ms);
    co_await timer.async_wait(io::use_task);
    co_return text_response(200, "finished");
  });
  H2Client client(server.port());
  H2Client idle(server.port());
  idle.frame(NGHTTP2_PING, 0, 0, "12345678");
  idle.read_until_ping();
  client.headers(1, get(), true);
  ASSERT_TRUE(server.eventually([&] { return started == 1; }));
  std::atomic<bool> drained = false;
  server.shard().run([&] {
    io::asio::co_spawn(
        server.shard().executor(),
        [](Server& one, std::atomic<bool>& done) -> io::Task<void> {
          co_await one.drain(5s);
          done = true;
        }(server.server(), drained),
        io::asio::detached);
  });
  EXPECT_EQ(idle.wait_goaway(), uint32_t{NGHTTP2_NO_ERROR});
  client.acknowledge_pings();
  EXPECT_EQ(client.answer(1).body, "finished");
  EXPECT_EQ(client.wait_goaway(), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(client.goaway_last_stream(), 1);
  idle.close();
  client.close();
  EXPECT_TRUE(server.eventually([&] { return drained.load(); }));
}

}  // namespace
}  // namespace cusp::http
