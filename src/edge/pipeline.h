#pragma once

#include <memory>

#include "edge/exchange.h"
#include "edge/plan.h"
#include "edge/record.h"
#include "edge/trace_context.h"
#include "http/message.h"

namespace cusp::edge {

// Finds what answers a request: the part of kRoute that the node does.
class Router {
 public:
  virtual ~Router() = default;

  // Sets `plan`, `origin` and their companions of the exchange, or answers itself (nothing there,
  // a static response).
  virtual std::optional<http::Response> route(Exchange& exchange) = 0;
};

// The way of every request through a node. Belongs to one shard.
class Pipeline final : public http::Handler {
 public:
  // `shard` and `router` outlive it.
  Pipeline(ShardContext& shard, Router& router) : shard_(shard), router_(router) {}

  io::Task<http::Response> respond(http::Request& request) override;

  // What the node itself does to all requests, before and around what their routes do.
  void set_plan(std::shared_ptr<const Plan> plan) { node_plan_ = std::move(plan); }

  // Whether responses tell in a Server-Timing field what each step took.
  void set_server_timing(bool on) { server_timing_ = on; }

  // Told of every exchange from now on; null: nobody is. It outlives the responses' bodies.
  void set_observer(Observer* observer) { observer_ = observer; }

  // Sends the request through all phases up to kGenerate, which is left out, and tells of each
  // step.
  io::Task<Trail> explain(http::Request& request);

 private:
  io::Task<http::Response> answer(Exchange& exchange, const Plan& node_plan);
  void keep(std::unique_ptr<Record> record, const Exchange& exchange, http::Response& response,
            std::chrono::steady_clock::time_point began);

  ShardContext& shard_;
  Router& router_;
  std::shared_ptr<const Plan> node_plan_ = std::make_shared<const Plan>(std::vector<Plan::Entry>());
  bool server_timing_ = false;
  Observer* observer_ = nullptr;
  TraceIds trace_ids_;
};

}  // namespace cusp::edge
