#pragma once

#include <memory>
#include <string>

#include "edge/record.h"
#include "node/access_log.h"
#include "node/triggers/counters.h"

namespace cusp::node {

// What a node counts, in Prometheus' terms (docs/operations/metrics.md). Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // What triggers feed.
  triggers::Counters& triggers();

  // Everything, in the text format 0.0.4 of Prometheus.
  std::string text() const;

 private:
  friend class ShardObserver;
  struct Families;
  std::unique_ptr<Families> families_;
};

// Feeds the metrics and the access log of a node with the exchanges of one shard.
class ShardObserver final : public edge::Observer {
 public:
  // Both outlive it; a null `access_log`: none is kept.
  ShardObserver(Metrics& metrics, AccessLog* access_log);
  ~ShardObserver() override;

  void begins(const edge::Exchange& exchange, edge::Record& record) override;
  void ended(const edge::Record& record) override;

 private:
  struct Series;
  Series& series(const edge::Record& record);

  Metrics& metrics_;
  AccessLog* const access_log_;
  struct Known;
  std::unique_ptr<Known> known_;
};

}  // namespace cusp::node
