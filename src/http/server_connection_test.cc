#include "http/server_connection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "http/h1_test_client.h"

// Connections that wait for a request, and what is kept of them meanwhile.
namespace cusp::http {
namespace {

using namespace testing;
using std::string;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Longer than a session waits before its connection goes on without it.
constexpr auto kLong = 3 * ServerContext::kTick;

TEST(ServerConnection, AClientThatPausesGoesOnWhereItWas) {
  TestServer server(measure);
  RawClient client(server.port());
  const auto pause = [] { std::this_thread::sleep_for(kLong); };
  pause();
  client.send("POST / HTT");
  pause();
  client.send("P/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_NE(client.read_until("\r\n\r\n3").find("200 OK"), string::npos);
  pause();
  client.send(kGet);
  EXPECT_NE(client.read_until("\r\n\r\n0").find("200 OK"), string::npos);
  client.send("\r\nGET / HT");  // an empty line before a request is tolerated
  pause();
  client.send("TP/1.1\r\nHost: a\r\n");
  pause();
  client.send("\r\n" + string(kGet) + "GET / HTTP/1.1\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n0").find("200 OK"), string::npos);
  EXPECT_NE(client.read_until("\r\n\r\n0").find("200 OK"), string::npos);
  pause();
  client.send("Connection: close\r\nHost: a\r\n\r\n");
  client.end();
  EXPECT_NE(client.read_all().find("200 OK"), string::npos);
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(ServerConnection, APauseDoesNotProlongTheHead) {
  ServerLimits limits;
  limits.head_timeout = 700ms;
  TestServer server(hello, limits);
  RawClient client(server.port());
  client.send(kGet);
  client.read_until("hello");
  const auto start = Clock::now();
  client.send("GET / HTTP/1.1\r\n");
  std::this_thread::sleep_for(kLong);
  client.send("Host: a\r\n");
  EXPECT_NE(client.read_all().find("HTTP/1.1 408"), string::npos);
  EXPECT_LT(Clock::now() - start, limits.head_timeout + kLong);
}

TEST(ServerConnection, HttpTwoBeginsAConnectionOrNever) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  constexpr std::string_view kSettings("\0\0\0\4\0\0\0\0\0", 9);
  TestServer server(hello);
  RawClient at_first(server.port());
  at_first.send(kPreface.substr(0, 5));
  std::this_thread::sleep_for(kLong);
  at_first.send(kPreface.substr(5));
  at_first.send(kSettings);
  const string acknowledged("\0\0\0\4\1\0\0\0\0", 9);
  EXPECT_NE(at_first.read_until(acknowledged).find(acknowledged), string::npos);

  RawClient later(server.port());
  later.send(kGet);
  later.read_until("hello");
  std::this_thread::sleep_for(kLong);
  later.send(kPreface);
  later.end();
  const string answer = later.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 505 ")) << answer;
}

TEST(ServerConnection, OneThatLeavesWhileItWaitsIsForgotten) {
  TestServer server(hello);
  for (const bool by_reset : {false, true}) {
    RawClient client(server.port());
    client.send("GET / HT");
    EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 1; }));
    by_reset ? client.reset() : client.close();
    EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  }
}

TEST(ServerConnection, DrainClosesThoseThatWaitAndLetsABegunRequestEnd) {
  TestServer server(hello);
  RawClient idle(server.port());
  RawClient paused(server.port());
  RawClient begun(server.port());
  paused.send(kGet);
  paused.read_until("hello");
  begun.send("GET / HT");
  std::this_thread::sleep_for(kLong);
  std::atomic<bool> drained = false;
  server.shard().run([&] {
    io::asio::co_spawn(
        server.shard().executor(),
        [](Server& drains, std::atomic<bool>& done) -> io::Task<void> {
          co_await drains.drain(5s);
          done = true;
        }(server.server(), drained),
        io::asio::detached);
  });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(paused.read_all(), "");
  begun.send("TP/1.1\r\nHost: a\r\n\r\n");
  begun.end();
  EXPECT_NE(begun.read_all().find("hello"), string::npos);
  EXPECT_TRUE(server.eventually([&] { return drained.load(); }));
}

}  // namespace
}  // namespace cusp::http
