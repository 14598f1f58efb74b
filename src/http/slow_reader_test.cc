#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "http/h1_test_client.h"
#include "http/server_context.h"

// Clients that do not read their response for a while, and what is kept of them meanwhile.
namespace cusp::http {
namespace {

using namespace testing;
using std::string;
using namespace std::chrono_literals;

// Longer than a session waits for a reader before its response goes on without it.
constexpr auto kLong = 4 * ServerContext::kTick;
constexpr size_t kParts = 64;  // together more than the kernel takes for a client

// What the sessions and bodies of a test have done.
struct Seen {
  std::atomic<int> bodies = 0;    // that are alive
  std::atomic<int> requests = 0;  // that are alive, and so their sessions
};

// Lives as long as the request that it is put into.
struct Mark final : Body {
  explicit Mark(std::atomic<int>& count) : alive(count) { ++alive; }
  ~Mark() override { --alive; }
  io::Task<Result<BodyPart>> read() override { co_return BodyPart{.end = true}; }
  bool ready() override { return true; }
  std::atomic<int>& alive;
};

// The same part again and again: text of its own, or one that all share.
class Parts final : public Body {
 public:
  Parts(Seen& seen, bool alone, size_t part_bytes, bool shares)
      : seen_(seen),
        alone_(alone),
        shares_(shares),
        text_(std::make_shared<const string>(part_bytes, 'x')) {
    ++seen_.bodies;
  }
  ~Parts() override { --seen_.bodies; }

  io::Task<Result<BodyPart>> read() override { co_return *try_read(); }
  bool ready() override { return true; }
  std::optional<Result<BodyPart>> try_read() override {
    BodyPart part;
    part.end = --left_ == 0;
    if (shares_) {
      part.shared = text_;
    } else {
      part.data = *text_;
    }
    return part;
  }
  bool stands_alone() const override { return alone_; }
  std::optional<uint64_t> size() const override { return left_ * text_->size(); }

 private:
  Seen& seen_;
  const bool alone_;
  const bool shares_;
  const std::shared_ptr<const string> text_;
  size_t left_ = kParts;
};

struct Kind {
  bool alone = true;
  size_t part_bytes = 48 * 1024;
  bool shares = true;
};

TestServer::Respond answer_with(Seen& seen, Kind kind) {
  return [&seen, kind](Request& request) -> io::Task<Response> {
    if (request.target == "/short") co_return text_response(200, "short");
    request.body = std::make_unique<Mark>(seen.requests);
    Response response;
    response.body = std::make_unique<Parts>(seen, kind.alone, kind.part_bytes, kind.shares);
    co_return response;
  };
}

constexpr std::string_view kShort = "GET /short HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(SlowReader, WaitsWithoutASessionAndGetsAllOfIt) {
  for (const Kind kind : {Kind{}, Kind{.part_bytes = 16 * 1024, .shares = false}}) {
    Seen seen;
    TestServer server(answer_with(seen, kind));
    RawClient client(server.port());
    client.send(kGet);
    EXPECT_TRUE(server.eventually([&] { return seen.bodies == 1; }));
    EXPECT_TRUE(server.eventually([&] { return seen.requests == 0; }));
    EXPECT_EQ(seen.bodies, 1);
    client.send(kShort);  // what comes meanwhile is answered in its turn
    std::this_thread::sleep_for(kLong);
    const string size = std::to_string(kParts * kind.part_bytes);
    EXPECT_NE(client.read_until("\r\n\r\n").find("content-length: " + size), string::npos);
    const string body = client.read_until("HTTP/1.1 200");
    EXPECT_EQ(body, string(kParts * kind.part_bytes, 'x') + "HTTP/1.1 200");
    EXPECT_NE(client.read_until("short").find("short"), string::npos);
    EXPECT_EQ(seen.bodies, 0);
  }
}

TEST(SlowReader, PausesAsOftenAsItLikes) {
  Seen seen;
  TestServer server(answer_with(seen, {}));
  RawClient client(server.port());
  client.send(kGet);
  client.read_until("\r\n\r\n");
  size_t got = 0;
  for (int pause = 0; pause < 3; ++pause) {
    EXPECT_TRUE(server.eventually([&] { return seen.requests == 0; }));
    std::this_thread::sleep_for(kLong);
    got += client.read_some(512 * 1024).size();
  }
  client.end();
  got += client.read_all().size();
  EXPECT_EQ(got, kParts * Kind().part_bytes);
}

TEST(SlowReader, OfABodyThatNeedsItsRequestKeepsIt) {
  Seen seen;
  TestServer server(answer_with(seen, {.alone = false}));
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(server.eventually([&] { return seen.bodies == 1; }));
  std::this_thread::sleep_for(kLong);
  EXPECT_EQ(seen.requests, 1);
  client.read_until("\r\n\r\n");
  client.end();
  EXPECT_EQ(client.read_all().size(), kParts * Kind().part_bytes);
}

TEST(SlowReader, IsCutAtTheDeadlineWithNothingAmongItsResponse) {
  Seen seen;
  ServerLimits limits;
  limits.body_idle_timeout = 700ms;
  TestServer server(answer_with(seen, {}), limits);
  RawClient client(server.port());
  client.send(kGet);
  client.send("GET /sho");  // no reason to answer in the middle of the response
  EXPECT_TRUE(server.eventually([&] { return seen.requests == 0 && seen.bodies == 1; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  EXPECT_EQ(seen.bodies, 0);
  client.read_until("\r\n\r\n");
  const string body = client.read_all();
  EXPECT_LT(body.size(), kParts * Kind().part_bytes);
  EXPECT_EQ(body, string(body.size(), 'x'));
}

TEST(SlowReader, WhoLeavesIsForgotten) {
  Seen seen;
  TestServer server(answer_with(seen, {}));
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(server.eventually([&] { return seen.bodies == 1 && seen.requests == 0; }));
  client.reset();
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
  EXPECT_EQ(seen.bodies, 0);
}

TEST(SlowReader, IsLetFinishWhenTheServerGoes) {
  Seen seen;
  TestServer server(answer_with(seen, {}));
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(server.eventually([&] { return seen.bodies == 1 && seen.requests == 0; }));
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
  client.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_all().size(), kParts * Kind().part_bytes);
  EXPECT_TRUE(server.eventually([&] { return drained.load(); }));
}

}  // namespace
}  // namespace cusp::http
