#include "node/triggers/counters.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace cusp::node::triggers {

namespace {

prometheus::Labels labels_of(const std::string& app, const std::string& component,
                             std::string_view outcome) {
  return {{"app", app}, {"component", component}, {"outcome", std::string(outcome)}};
}

}  // namespace

struct Counters::Families {
  prometheus::Family<prometheus::Counter>& messages;
  prometheus::Family<prometheus::Counter>& runs;
  prometheus::Family<prometheus::Counter>& published;
};

Counters::Counters(prometheus::Registry& registry)
    : families_(new Families{.messages = prometheus::BuildCounter()
                                             .Name("cusp_queue_messages_total")
                                             .Help("Messages that components were given.")
                                             .Register(registry),
                             .runs = prometheus::BuildCounter()
                                         .Name("cusp_cron_runs_total")
                                         .Help("Times that cron triggers came.")
                                         .Register(registry),
                             .published = prometheus::BuildCounter()
                                              .Name("cusp_redis_messages_total")
                                              .Help("Messages of Redis channels.")
                                              .Register(registry)}) {}

Counters::~Counters() = default;

void Counters::messages(const std::string& app, const std::string& queue, std::string_view outcome,
                        size_t count) {
  const prometheus::Labels labels{
      {"app", app}, {"queue", queue}, {"outcome", std::string(outcome)}};
  families_->messages.Add(labels).Increment(static_cast<double>(count));
}

void Counters::run(const std::string& app, const std::string& component, std::string_view outcome) {
  families_->runs.Add(labels_of(app, component, outcome)).Increment();
}

void Counters::published(const std::string& app, const std::string& component,
                         std::string_view outcome) {
  families_->published.Add(labels_of(app, component, outcome)).Increment();
}

}  // namespace cusp::node::triggers
