#include "http/pace.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "http/h1_test_client.h"
#include "http/h2_test_client.h"

// Clients that always move something, and too little.
namespace cusp::http {
namespace {

using namespace testing;
using std::string;
using namespace std::chrono_literals;
using Clock = Pace::Clock;

constexpr uint32_t kRate = 1000;

TEST(Pace, WaitingUsesItUpAndBytesGiveItBack) {
  Pace pace(10s, kRate);
  const Clock::time_point start;
  EXPECT_EQ(pace.wait(start), 10s);
  EXPECT_EQ(pace.wait(start + 4s), 6s);
  pace.moved(2000, start + 4s);
  EXPECT_EQ(pace.wait(start + 100s), 8s);  // nobody was waiting in between
}

TEST(Pace, NothingIsSavedUpBeyondThePatience) {
  Pace pace(10s, kRate);
  pace.moved(SIZE_MAX, {});
  EXPECT_EQ(pace.wait({}), 10s);
  EXPECT_EQ(pace.wait(Clock::time_point(60s)), 0s);
}

TEST(Pace, OneByteNowAndThenDoesNotHelp) {
  Pace pace(30s, kRate);
  Clock::time_point now;
  while (pace.wait(now) > 9s) pace.moved(1, now += 9s);
  EXPECT_LE(now, Clock::time_point(40s));
}

ServerLimits strict() {
  ServerLimits limits;
  limits.body_idle_timeout = 700ms;
  limits.client_bytes_per_second_min = kRate;
  return limits;
}

const string kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

TEST(MinimumRate, EndsAnUploadThatDripsAndLetsASteadyOneGoOn) {
  std::atomic<size_t> got = 0;
  std::atomic<bool> too_slow = false;
  TestServer server(
      [&](Request& request) -> io::Task<Response> {
        while (true) {
          const auto part = co_await request.body->read();
          if (!part) too_slow = part.error().code == ErrorCode::kDeadlineExceeded;
          if (!part || part->end) co_return text_response(200, "");
          got += part->data.size();
        }
      },
      strict());
  RawClient steady(server.port());
  steady.send(kPost);
  for (int i = 0; i < 30; ++i) {  // four times the rate
    steady.send(string(400, 'x'));
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_FALSE(too_slow);
  EXPECT_EQ(got, 12'000u);
  RawClient drip(server.port());
  drip.send(kPost);
  const auto start = Clock::now();
  while (!too_slow && Clock::now() - start < 5s) {  // never idle for long
    drip.send("x");
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_TRUE(too_slow);
  EXPECT_LT(Clock::now() - start, 3s);
}

TEST(MinimumRate, HoldsForARequestsBodyThatNobodyWants) {
  TestServer server(hello, strict());
  RawClient drip(server.port());
  drip.send(kPost);
  drip.read_until("hello");
  const auto start = Clock::now();
  while (server.connections() > 0 && Clock::now() - start < 5s) {
    drip.send("x");
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_LT(Clock::now() - start, 3s);
}

const FieldList kHead = {
    {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}};

TEST(MinimumRate, EndsAnUploadThatDripsOverHttp2) {
  std::atomic<bool> too_slow = false;
  TestServer server(
      [&](Request& request) -> io::Task<Response> {
        auto text = co_await read_all(request.body.get(), limits::kMiB);
        too_slow = !text && text.error().code == ErrorCode::kDeadlineExceeded;
        co_return text_response(200, "");
      },
      strict());
  H2Client drip(server.port());
  drip.headers(1, kHead, false);
  const auto start = Clock::now();
  while (!too_slow && Clock::now() - start < 5s) {
    drip.data(1, "x", false);
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_TRUE(too_slow);
  EXPECT_LT(Clock::now() - start, 3s);
}

TEST(MinimumRate, EndsAStreamWhoseWindowOpensByteForByte) {
  TestServer server(
      [](Request&) -> io::Task<Response> { co_return text_response(200, string(10'000, 'x')); },
      strict());
  H2Client drip(server.port(), 0);
  drip.headers(1, kHead, true);
  const auto start = Clock::now();
  while (!drip.peek(1).reset && Clock::now() - start < 5s) {
    drip.frame(NGHTTP2_WINDOW_UPDATE, 0, 1, string("\0\0\0\1", 4));
    std::this_thread::sleep_for(50ms);
    drip.read_available();
  }
  EXPECT_EQ(drip.peek(1).reset, uint32_t{NGHTTP2_CANCEL});
  EXPECT_GT(drip.peek(1).body.size(), 3u);
  EXPECT_LT(Clock::now() - start, 3s);
}

}  // namespace
}  // namespace cusp::http
