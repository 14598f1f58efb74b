#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "http/h1_test_client.h"

// Clients that are slow, greedy or gone, and a server that goes itself.
namespace cusp::http {
namespace {

using namespace testing;
using std::string;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(H1Session, ABodyOverTheLimitIsAnErrorToItsReader) {
  ServerLimits limits;
  limits.body_bytes_max = 1000;
  TestServer server(measure, limits);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("fff\r\n" + string(0xfff, 'x') + "\r\n");
  const string answer = client.read_all();
  EXPECT_NE(answer.find("resource_exhausted"), string::npos) << answer;
  EXPECT_NE(answer.find("connection: close"), string::npos) << answer;
}

TEST(H1Session, BrokenChunksAreAnErrorToTheirReader) {
  TestServer server(measure);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_NE(client.read_all().find("invalid_argument"), string::npos);
}

TEST(H1Session, AClientThatLeavesMidBodyIsCancelled) {
  std::atomic<bool> cancelled = false;
  TestServer server([&](Request& request) -> io::Task<Response> {
    auto part = co_await request.body->read();
    while (part && !part->end) part = co_await request.body->read();
    cancelled = !part && part.error().code == ErrorCode::kCancelled;
    co_return text_response(200, "");
  });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  client.close();
  EXPECT_TRUE(server.eventually([&] { return cancelled.load(); }));
}

TEST(H1Session, AHandlerHearsThatItsClientHasGone) {
  for (const bool by_reset : {false, true}) {
    std::atomic<bool> started = false;
    std::atomic<bool> gone = false;
    TestServer server([&](Request& request) -> io::Task<Response> {
      io::Timer timer(co_await io::asio::this_coro::executor, 10s);
      request.connection->on_client_gone([&] {
        gone = true;
        timer.cancel();
      });
      started = true;
      co_await timer.async_wait(io::use_task);
      co_return text_response(200, "late");
    });
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nunread");
    ASSERT_TRUE(server.eventually([&] { return started.load(); }));
    EXPECT_FALSE(gone);
    by_reset ? client.reset() : client.close();
    EXPECT_TRUE(server.eventually([&] { return gone.load(); }));
    EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  }
}

TEST(H1Session, ABodyKeptPastItsRequestNeverReadsTheNextOne) {
  std::unique_ptr<Body> kept;
  TestServer server([&](Request& request) -> io::Task<Response> {
    if (kept) {
      auto part = co_await kept->read();
      co_return text_response(200, part ? "leaked " + part->data : "safe");
    }
    kept = std::move(request.body);
    while (true) {
      const auto part = co_await kept->read();
      if (!part || part->end) break;
    }
    co_return text_response(200, "first");
  });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  client.read_until("first");
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nsecret");
  EXPECT_TRUE(client.read_until("safe").ends_with("safe"));
  server.shard().run([&] { kept.reset(); });
}

TEST(H1Session, ASlowHeadIsAnsweredWith408) {
  ServerLimits limits;
  limits.head_timeout = 200ms;
  TestServer server(hello, limits);
  RawClient client(server.port());
  const auto begin = Clock::now();
  client.send("GET / HTTP/1.1\r\nHost:");
  const string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_LT(Clock::now() - begin, 2s);
}

TEST(H1Session, DrippingBytesDoesNotProlongTheHead) {
  ServerLimits limits;
  limits.head_timeout = 300ms;
  TestServer server(hello, limits);
  RawClient client(server.port());
  for (const char c : string("GET / HTTP/1.1\r\n")) {
    client.send(std::string_view(&c, 1));
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 "));
}

TEST(H1Session, AnIdleConnectionIsClosedWithoutAWord) {
  ServerLimits limits;
  limits.keep_alive_timeout = 200ms;
  TestServer server(hello, limits);
  RawClient client(server.port());
  client.send(kGet);
  client.read_until("hello");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.closed());
}

TEST(H1Session, ASlowBodyTimesOut) {
  ServerLimits limits;
  limits.body_idle_timeout = 200ms;
  std::atomic<bool> timed_out = false;
  TestServer server(
      [&](Request& request) -> io::Task<Response> {
        const auto first = co_await request.body->read();
        const auto second = co_await request.body->read();
        timed_out = first && !second && second.error().code == ErrorCode::kDeadlineExceeded;
        co_return text_response(408, "");
      },
      limits);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(server.eventually([&] { return timed_out.load(); }));
}

// Counts what is taken from it; without an end.
class EndlessBody final : public Body {
 public:
  explicit EndlessBody(std::atomic<size_t>& taken, std::atomic<bool>& dropped)
      : taken_(taken), dropped_(dropped) {}
  ~EndlessBody() override { dropped_ = true; }
  io::Task<Result<BodyPart>> read() override {
    taken_ += limits::kBodyChunkBytes;
    co_return BodyPart{.data = string(limits::kBodyChunkBytes, 'x')};
  }
  bool ready() override { return true; }

 private:
  std::atomic<size_t>& taken_;
  std::atomic<bool>& dropped_;
};

TEST(H1Session, AClientThatDoesNotReadStopsTheProducerAndIsCutOff) {
  std::atomic<size_t> taken = 0;
  std::atomic<bool> dropped = false;
  ServerLimits limits;
  limits.body_idle_timeout = 500ms;
  TestServer server(
      [&](Request&) -> io::Task<Response> {
        Response response;
        response.body = std::make_unique<EndlessBody>(taken, dropped);
        co_return response;
      },
      limits);
  RawClient client(server.port(), 4096);
  client.send(kGet);
  EXPECT_TRUE(server.eventually([&] { return dropped.load(); }));
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 16u << 20) << "nothing is read ahead of what the socket takes";
}

// A body of one part that others hold too.
class SharedBody final : public Body {
 public:
  explicit SharedBody(std::shared_ptr<const string> content) : content_(std::move(content)) {}
  io::Task<Result<BodyPart>> read() override { co_return *try_read(); }
  bool ready() override { return true; }
  std::optional<Result<BodyPart>> try_read() override {
    return BodyPart{.end = true, .shared = content_};
  }

 private:
  const std::shared_ptr<const string> content_;  // shared with the test
};

TEST(H1Session, AClientThatReadsLateGetsAllOfASharedBody) {
  string text;
  for (int i = 0; i < 1'000'000; ++i) text += std::to_string(i);
  const auto content = std::make_shared<const string>(text + "the end");
  TestServer server([&](Request&) -> io::Task<Response> {
    Response response;
    response.body = std::make_unique<SharedBody>(content);
    co_return response;
  });
  RawClient client(server.port(), 4096);
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    std::this_thread::sleep_for(100ms);
    client.read_until("\r\n\r\n");
    EXPECT_TRUE(client.read_until("the end") == *content);
  }
}

TEST(H1Session, BytesThatNobodyReadsStayWithTheClient) {
  std::atomic<bool> release = false;
  TestServer server([&](Request& request) -> io::Task<Response> {
    io::Timer timer(co_await io::asio::this_coro::executor);
    while (!release) {
      timer.expires_after(10ms);
      co_await timer.async_wait(io::use_task);
    }
    co_return co_await measure(request);
  });
  RawClient client(server.port());
  constexpr size_t kBytes = 40'000'000;
  std::atomic<bool> sent = false;
  std::thread sender([&] {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kBytes) +
                "\r\n\r\n");
    client.send(string(kBytes, 'x'));
    sent = true;
  });
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(sent) << "the kernel's buffers hold less than that";
  release = true;
  EXPECT_TRUE(client.read_until("40000000").ends_with("\r\n\r\n40000000"));
  sender.join();
}

TEST(H1Session, ConnectionsOverTheLimitAreClosed) {
  ServerLimits limits;
  limits.connections_max = 1;
  TestServer server(hello, limits);
  RawClient first(server.port());
  first.send(kGet);
  first.read_until("hello");
  RawClient second(server.port());
  second.send(kGet);
  EXPECT_EQ(second.read_all(), "");
  first.send(kGet);
  EXPECT_TRUE(first.read_until("hello").ends_with("hello"));
}

TEST(H1Session, DrainLetsTheRequestInFlightEndAndClosesIdleConnections) {
  std::atomic<bool> started = false;
  std::atomic<bool> release = false;
  TestServer server([&](Request&) -> io::Task<Response> {
    started = true;
    io::Timer timer(co_await io::asio::this_coro::executor);
    while (!release) {
      timer.expires_after(10ms);
      co_await timer.async_wait(io::use_task);
    }
    co_return text_response(200, "done");
  });
  RawClient idle(server.port());
  RawClient busy(server.port());
  busy.send(kGet);
  ASSERT_TRUE(server.eventually([&] { return started.load(); }));
  std::atomic<bool> drained = false;
  server.shard().run([&] {
    io::asio::co_spawn(server.shard().executor(), server.server().drain(5s),
                       [&](std::exception_ptr) { drained = true; });
  });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_FALSE(drained);
  release = true;
  const string answer = busy.read_all();
  EXPECT_NE(answer.find("connection: close\r\n"), string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("done"));
  EXPECT_TRUE(server.eventually([&] { return drained.load(); }));
}

}  // namespace
}  // namespace cusp::http
