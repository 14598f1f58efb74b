#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "edge/pipeline.h"
#include "edge/plan.h"
#include "io/asio.h"

// What the tests of features share: a pipeline with one route, whose features come from the text of
// an [edge] table.
namespace cusp::edge::testing {

// The peer of a test's requests.
class TestConnection final : public http::Connection {
 public:
  explicit TestConnection(std::string address) : address_(std::move(address)) {}
  std::string_view remote_address() const override { return address_; }
  uint16_t remote_port() const override { return 40000; }
  bool tls() const override { return false; }
  void on_client_gone(std::function<void()>) override {}

 private:
  const std::string address_;
};

inline FeatureContext test_context() { return {.directory = ".", .app = "shop"}; }

// What is wrong with an [edge] table, "file:line:column: message"; empty: nothing.
inline std::string problem_of(std::string_view edge, FeatureContext context = test_context()) {
  auto file = TomlFile::parse(fmt::format("[edge]\n{}\n", edge), "cusp.toml");
  if (!file) return file.error().to_string();
  TableReader root = file->root();
  PlanReader plans(std::move(context));
  plans.read_defaults(*root.table("edge"));
  const auto result = file->diagnostics().result();
  return result ? "" : result.error().to_string();
}

// A pipeline on a shard that the test's thread drives.
class TestEdge final : public Router {
 public:
  using Respond = std::function<http::Response(http::Request&)>;

  // `edge` is the text below the line [edge]. Without `respond`, the origin answers 200 "origin".
  explicit TestEdge(std::string_view edge, Respond respond = {},
                    FeatureContext context = test_context())
      : respond_(std::move(respond)),
        client_(http::make_client(loop_.get_executor())),
        shard_{.executor = loop_.get_executor(), .client = *client_},
        pipeline_(shard_, *this) {
    auto file = TomlFile::parse(fmt::format("[edge]\n{}\n", edge), "cusp.toml");
    EXPECT_TRUE(file) << file.error().to_string();
    TableReader root = file->root();
    PlanReader plans(std::move(context));
    plans.read_defaults(*root.table("edge"));
    const auto result = file->diagnostics().result();
    EXPECT_TRUE(result) << result.error().to_string();
    plan_.emplace(plans.read_route(std::nullopt));
  }

  http::Response send(http::Request request, std::string client = "192.0.2.1") {
    TestConnection connection(std::move(client));
    request.connection = &connection;
    return run(pipeline_.respond(request));
  }
  http::Response get(std::string target,
                     std::vector<std::pair<std::string, std::string>> fields = {},
                     std::string client = "192.0.2.1") {
    http::Request request{.method = "GET",
                          .scheme = "https",
                          .authority = "shop.example",
                          .target = std::move(target)};
    request.fields.add("host", request.authority);
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return send(std::move(request), std::move(client));
  }

  // The whole body.
  std::string text(http::Response& response) {
    std::string text;
    while (response.body) {
      auto part = run(response.body->read());
      if (!part) return text + " (broken off)";
      text += part->data;
      if (part->end) break;
    }
    return text;
  }

  // Runs the loop until `task` has ended.
  template <class T>
  T run(io::Task<T> task) {
    std::optional<T> result;
    io::asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr error, T value) {
      EXPECT_FALSE(error);
      result.emplace(std::move(value));
    });
    loop_.restart();
    while (!result) loop_.run_one();
    return std::move(*result);
  }

  // Where clients are from now on; `geo` outlives the requests.
  void set_geo(const Geo* geo) { shard_.geo = geo; }
  // How busy the shard is from now on; the same.
  void set_load(Load* load) { shard_.load = load; }

  Pipeline& pipeline() { return pipeline_; }
  io::asio::io_context& loop() { return loop_; }
  size_t fetches() const { return fetches_; }

  std::optional<http::Response> route(Exchange& exchange) override {
    class TestOrigin final : public Origin {
     public:
      explicit TestOrigin(TestEdge& edge) : edge_(edge) {}
      io::Task<http::Response> fetch(http::Request& request) override {
        ++edge_.fetches_;
        if (edge_.respond_) co_return edge_.respond_(request);
        co_return http::text_response(200, "origin");
      }

     private:
      TestEdge& edge_;
    };
    exchange.app = "shop";
    exchange.route = "/...";
    exchange.plan = &*plan_;
    exchange.origin = std::make_shared<TestOrigin>(*this);
    return std::nullopt;
  }

 private:
  Respond respond_;
  io::asio::io_context loop_;
  std::unique_ptr<http::Client> client_;
  ShardContext shard_;
  Pipeline pipeline_;
  std::optional<Plan> plan_;
  size_t fetches_ = 0;
};

}  // namespace cusp::edge::testing
