#include "edge/cache/fill.h"

#include <atomic>
#include <thread>

#include "edge/cache/test_cache.h"
#include "io/shard.h"

namespace cusp::edge::cache {

namespace {

using testing::CacheTest;
using testing::FakeOrigin;
using testing::make_response;

using namespace std::chrono_literals;

// Gives its parts one by one, each when it is let through.
class GatedBody final : public http::Body {
 public:
  struct Gate {
    explicit Gate(io::Executor executor) : event(executor) {}
    io::Event event;
    bool fails = false;
    bool dropped = false;
  };
  GatedBody(std::shared_ptr<Gate> gate, std::vector<std::string> parts)
      : gate_(std::move(gate)), parts_(std::move(parts)) {}
  ~GatedBody() override { gate_->dropped = true; }

  io::Task<Result<http::BodyPart>> read() override {
    co_await gate_->event.wait();
    if (gate_->fails) co_return fail(ErrorCode::kUnavailable, "the origin broke off");
    http::BodyPart part{.data = parts_[at_++]};
    part.end = at_ == parts_.size();
    co_return part;
  }
  bool ready() override { return false; }

 private:
  std::shared_ptr<Gate> gate_;
  std::vector<std::string> parts_;
  size_t at_ = 0;
};

class FillTest : public CacheTest {
 protected:
  // Starts a request and lets it go on by itself.
  struct Started {
    Status status;
    http::Request request;
    std::optional<http::Response> response;
  };
  std::unique_ptr<Started> start(http::Request request) {
    auto started = std::make_unique<Started>();
    started->request = std::move(request);
    io::asio::co_spawn(loop.executor(),
                       cache->respond(started->request, policy, origin, started->status),
                       [&started = *started](std::exception_ptr, http::Response response) {
                         started.response = std::move(response);
                       });
    loop.settle();
    return started;
  }
  void answers_gated(testing::FieldList fields, std::vector<std::string> parts) {
    gate = std::make_shared<GatedBody::Gate>(loop.executor());
    answers([=, this](http::Request&) {
      http::Response response = make_response(200, fields, "");
      response.body = std::make_unique<GatedBody>(gate, parts);
      return response;
    });
  }
  void let_one_through() {
    gate->event.notify();
    loop.settle();
  }

  std::shared_ptr<GatedBody::Gate> gate;
};

TEST_F(FillTest, ReadersGetTheBodyWhileItArrivesAndTheLaterOnesFromItsStart) {
  answers_gated({{"cache-control", "max-age=60"}}, {"one", "two"});
  const auto first = start(testing::make_request());
  ASSERT_TRUE(first->response);
  let_one_through();
  EXPECT_EQ(loop.read(*first->response)->data, "one");
  const auto second = start(testing::make_request());
  ASSERT_TRUE(second->response);
  EXPECT_TRUE(second->status.collapsed);
  EXPECT_EQ(loop.read(*second->response)->data, "one");
  let_one_through();
  for (const auto& started : {&first, &second}) {
    const auto part = loop.read(*(*started)->response);
    EXPECT_EQ(part->data, "two");
    EXPECT_TRUE(part->end);
  }
  EXPECT_EQ(origin->requests, 1);
  EXPECT_TRUE(get().status.hit);
}

TEST_F(FillTest, AFillGoesOnWhenItsClientsHaveGone) {
  answers_gated({{"cache-control", "max-age=60"}}, {"one", "two"});
  start(testing::make_request());
  let_one_through();
  EXPECT_FALSE(gate->dropped);
  let_one_through();
  const auto got = get();
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.body, "onetwo");
}

TEST_F(FillTest, AFailedFillIsAnErrorForEachReaderAndStoresNothing) {
  answers_gated({{"cache-control", "max-age=60"}}, {"one", "two"});
  const auto first = start(testing::make_request());
  const auto second = start(testing::make_request());
  let_one_through();
  EXPECT_EQ(loop.read(*first->response)->data, "one");
  gate->fails = true;
  let_one_through();
  EXPECT_FALSE(loop.read(*first->response));
  EXPECT_EQ(loop.read(*second->response)->data, "one");
  EXPECT_FALSE(loop.read(*second->response));
  EXPECT_EQ(cache->stats().memory_objects, 0U);
}

TEST_F(FillTest, WhatIsNotForSharingGoesToItsLeaderAndTheOthersAskThemselves) {
  std::shared_ptr<io::Event> gate_of_head = std::make_shared<io::Event>(loop.executor());
  int answer = 0;
  origin = std::make_shared<FakeOrigin>(
      [&](http::Request&) {
        return make_response(200, {{"cache-control", "private"}}, std::to_string(++answer));
      },
      [&]() -> io::Task<void> {
        if (origin->requests == 1) co_await gate_of_head->wait();
      });
  const auto first = start(testing::make_request());
  const auto second = start(testing::make_request());
  EXPECT_EQ(origin->requests, 1);
  gate_of_head->notify();
  loop.settle();
  ASSERT_TRUE(first->response && second->response);
  EXPECT_NE(loop.read_all(*first->response), loop.read_all(*second->response));
  EXPECT_EQ(origin->requests, 2);
  // And from now on nobody waits for anybody.
  EXPECT_EQ(get().status.forward, Status::Forward::kUriMiss);
  EXPECT_EQ(origin->requests, 3);
}

TEST_F(FillTest, NobodyCanKeepOthersFromSharingWithARequestOfItsOwnKind) {
  answers([](http::Request& request) {
    if (request.fields.get("range")) return make_response(206, {{"content-type", "multipart/x"}});
    return make_response(200, {{"cache-control", "max-age=60"}});
  });
  get({{"authorization", "x"}});
  get({{"range", "bytes=0-0,2-2"}});
  answers_gated({{"cache-control", "max-age=60"}}, {"one"});
  const auto first = start(testing::make_request());
  const auto second = start(testing::make_request());
  EXPECT_TRUE(second->status.collapsed);
  EXPECT_EQ(origin->requests, 1);
  let_one_through();
}

TEST_F(FillTest, AReadersRangeIsCutFromWhatIsStillArriving) {
  answers([&](http::Request&) {
    return make_response(200, {{"cache-control", "max-age=60"}}, std::string(100'000, 'x') + "yz");
  });
  const auto got = get({{"range", "bytes=100000-100001"}});
  EXPECT_EQ(got.response.status, 206);
  EXPECT_EQ(got.body, "yz");
}

TEST_F(FillTest, AnErrorIsSharedByThoseWhoWaitAndNotStored) {
  std::shared_ptr<io::Event> gate_of_head = std::make_shared<io::Event>(loop.executor());
  origin =
      std::make_shared<FakeOrigin>([&](http::Request&) { return make_response(503, {}, "down"); },
                                   [&]() -> io::Task<void> {
                                     if (origin->requests == 1) co_await gate_of_head->wait();
                                   });
  const auto first = start(testing::make_request());
  const auto second = start(testing::make_request());
  gate_of_head->notify();
  loop.settle();
  EXPECT_EQ(first->response->status, 503);
  EXPECT_EQ(second->response->status, 503);
  EXPECT_EQ(loop.read_all(*second->response), "down");
  EXPECT_EQ(origin->requests, 1);
  get();
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(FillTest, APurgeDuringAFillKeepsItsResponseOut) {
  answers_gated({{"cache-control", "max-age=60"}, {"cache-tag", "t"}}, {"one"});
  const auto started = start(testing::make_request());
  cache->purge({.what = Purge::What::kTag, .value = "t"});
  let_one_through();
  EXPECT_EQ(loop.read_all(*started->response), "one");
  EXPECT_EQ(cache->stats().memory_objects, 0U);
}

// Answers after a while, on whatever shard it is asked.
class SlowOrigin final : public Origin {
 public:
  io::Task<http::Response> fetch(http::Request&) override {
    ++requests;
    io::Timer timer(co_await io::asio::this_coro::executor);
    timer.expires_after(100ms);
    co_await timer.async_wait(io::use_task);
    co_return make_response(200, {{"cache-control", "max-age=60"}}, std::string(200'000, 'x'));
  }
  std::atomic<int> requests = 0;
};

io::Task<void> read_all(Cache& cache, std::shared_ptr<Origin> origin, std::atomic<int>& good,
                        std::atomic<int>& done) {
  const Policy policy;
  Status status;
  http::Request request = testing::make_request();
  http::Response response = co_await cache.respond(request, policy, std::move(origin), status);
  size_t bytes = 0;
  for (bool end = false; !end;) {
    auto part = co_await response.body->read();
    if (!part) break;
    bytes += part->data.size();
    end = part->end;
  }
  good += bytes == 200'000;
  ++done;
}

TEST(Collapsing, AThousandMissesOnFourShardsAreOneRequestToTheOrigin) {
  auto opened = Cache::open({});
  ASSERT_TRUE(opened);
  const auto origin = std::make_shared<SlowOrigin>();
  std::atomic<int> good = 0;
  std::atomic<int> done = 0;
  {
    std::vector<std::unique_ptr<io::Shard>> shards;
    for (size_t i = 0; i < 4; ++i) shards.push_back(std::make_unique<io::Shard>(i));
    for (int i = 0; i < 1000; ++i) {
      io::asio::co_spawn(shards[static_cast<size_t>(i) % 4]->executor(),
                         read_all(**opened, origin, good, done), io::asio::detached);
    }
    for (int tries = 0; tries < 2000 && done < 1000; ++tries) std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(origin->requests, 1);
  const CacheStats stats = (*opened)->stats();
  EXPECT_EQ(stats.stored, 1U);
  EXPECT_EQ(stats.collapsed + stats.hits, 999U);
}

}  // namespace

}  // namespace cusp::edge::cache
