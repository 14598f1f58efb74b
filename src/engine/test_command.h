#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/invocation.h"
#include "io/asio.h"

// What tests of calls share: a guest that asks where its client is, run on the test's own thread.
namespace cusp::engine::testing {

// A command (wasi:cli/run) that calls cusp:edge/geo.client once and succeeds when the country that
// it is told starts with "JP".
inline constexpr std::string_view kAsksForItsClient = R"((component
  (import "cusp:edge/geo@0.1.0" (instance $geo
    (type $place (record
      (field "continent" (option string)) (field "country" (option string))
      (field "region" (option string)) (field "city" (option string))
      (field "timezone" (option string)) (field "latitude" (option f64))
      (field "longitude" (option f64)) (field "asn" (option u32))
      (field "organization" (option string))))
    (export "place" (type $exported (eq $place)))
    (export "client" (func (result $exported)))))
  (core module $libc-module
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $libc (instantiate $libc-module))
  (core func $client (canon lower (func $geo "client")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $main-module
    (import "host" "client" (func $client (param i32)))
    (import "libc" "memory" (memory 1))
    (func (export "run") (result i32)
      (call $client (i32.const 0))
      ;; The second option: whether it is there at 12, its text at 16.
      (if (i32.eqz (i32.load8_u (i32.const 12))) (then (return (i32.const 1))))
      (i32.ne (i32.load16_u (i32.load (i32.const 16))) (i32.const 0x504a))))
  (core instance $main (instantiate $main-module
    (with "host" (instance (export "client" (func $client))))
    (with "libc" (instance $libc))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $interface))))";

// Compiles the guest once and runs it as often as a test likes.
class TestCommand {
 public:
  using OnCall = std::function<void(const Arguments&, Call)>;

  TestCommand() : engine_(need(Engine::create())) {
    const auto artifact = need(engine_->compile(need(componentize(kAsksForItsClient))));
    const auto path =
        std::filesystem::temp_directory_path() / fmt::format("cusp-call-test-{}", ::getpid());
    std::ofstream(path, std::ios::binary) << artifact;
    component_ = need(Component::load(*engine_, path.string(), {.id = "guest"}));
    std::filesystem::remove(path);
  }

  // Starts a run that gives its calls to `on_call`, and lets it go on until it waits or has ended.
  std::shared_ptr<Invocation> start(OnCall on_call) {
    report_.reset();
    auto invocation = Invocation::start_command(loop_.get_executor(), parked_, *component_,
                                                {.arguments = {"guest"}}, request_, {},
                                                std::make_unique<Host>(*this, std::move(on_call)));
    io::asio::co_spawn(
        loop_,
        [](std::shared_ptr<Invocation> run) -> io::Task<void> {
          co_await run->respond();
        }(invocation),
        io::asio::detached);
    turn();
    return invocation;
  }

  // Runs what is ready.
  void turn() {
    loop_.restart();
    loop_.poll();
  }

  // Of the last run, when it has ended.
  const std::optional<Report>& report() const { return report_; }
  io::Executor executor() { return loop_.get_executor(); }

 private:
  template <class T>
  static T need(Result<T> result) {
    EXPECT_TRUE(result) << result.error().to_string();
    return std::move(result).value();
  }

  class Host final : public InvocationHost {
   public:
    Host(TestCommand& test, OnCall on_call) : test_(test), on_call_(std::move(on_call)) {}
    void output(Stdio, std::string_view) override {}
    void outbound(std::unique_ptr<Outbound>) override {}
    void call(const Arguments& arguments, Call call) override {
      on_call_(arguments, std::move(call));
    }
    void ended(const Report& report) override { test_.report_ = report; }

   private:
    TestCommand& test_;
    OnCall on_call_;
  };

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Component> component_;
  io::asio::io_context loop_;
  Parked parked_;
  http::Request request_{.method = "GET", .scheme = "http", .authority = "test", .target = "/"};
  std::optional<Report> report_;
};

}  // namespace cusp::engine::testing
