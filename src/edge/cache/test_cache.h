#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/cache/cache.h"
#include "http/client_test_support.h"
#include "io/asio.h"

// What the cache's tests share: a clock that stands still, an origin that is a function, and a loop
// driven by the test's thread.
namespace cusp::edge::cache::testing {

inline constexpr Time kStart =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + std::chrono::hours(5);

inline http::Request make_request(std::string method = "GET", std::string target = "/a") {
  http::Request request{.method = std::move(method),
                        .scheme = "https",
                        .authority = "example.com",
                        .target = std::move(target)};
  request.fields.add("host", "example.com");
  return request;
}

using FieldList = std::vector<std::pair<std::string, std::string>>;

inline http::Response make_response(uint16_t status, FieldList fields, std::string body = "body") {
  http::Response response{.status = status};
  for (const auto& [name, value] : fields) response.fields.add(name, value);
  if (!body.empty()) response.body = http::make_body(std::move(body));
  return response;
}

class FakeOrigin final : public Origin {
 public:
  using Answer = std::function<http::Response(http::Request&)>;
  using Wait = std::function<io::Task<void>()>;

  explicit FakeOrigin(Answer answer, Wait wait = {})
      : answer_(std::move(answer)), wait_(std::move(wait)) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    ++requests;
    last_fields = request.fields;
    last_target = request.target;
    last_method = request.method;
    if (wait_) co_await wait_();
    co_return answer_(request);
  }

  int requests = 0;
  http::Fields last_fields;
  std::string last_target;
  std::string last_method;

 private:
  Answer answer_;
  Wait wait_;
};

struct Got {
  http::Response response;
  Status status;
  std::optional<std::string> body;  // nothing when it broke off

  std::string field(std::string_view name) const {
    return response.fields.get_all(name).value_or("(none)");
  }
};

class CacheTest : public ::testing::Test {
 protected:
  CacheTest() { open({}); }

  void open(CacheOptions options) {
    options.clock = [this] { return now; };
    cache.reset();
    auto opened = Cache::open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().to_string();
    cache = std::move(*opened);
  }
  // Sets what the origin answers from now on.
  void answers(FakeOrigin::Answer answer) {
    origin = std::make_shared<FakeOrigin>(std::move(answer));
  }
  void answers(uint16_t status, FieldList fields, std::string body = "body") {
    answers([=](http::Request&) { return make_response(status, fields, body); });
  }
  void pass_time(std::chrono::milliseconds time) { now += time; }

  Got send(http::Request request) {
    Got got;
    got.response = loop.run(cache->respond(request, policy, origin, got.status));
    // The body of a copy: the head stays to be looked at.
    got.body = loop.read_all(got.response);
    loop.settle();
    return got;
  }
  Got get(FieldList fields = {}, std::string target = "/a") {
    return send(request_with(std::move(fields), "GET", std::move(target)));
  }
  static http::Request request_with(FieldList fields, std::string method = "GET",
                                    std::string target = "/a") {
    http::Request request = make_request(std::move(method), std::move(target));
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return request;
  }

  Time now = kStart;
  Policy policy;
  std::shared_ptr<FakeOrigin> origin;
  http::testing::TestClient loop;
  std::unique_ptr<Cache> cache;
};

}  // namespace cusp::edge::cache::testing
