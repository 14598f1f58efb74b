#include "node/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <unordered_map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace cusp::node {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

// Seconds, from what a cached hit takes to what a client gives up at.
const Histogram::BucketBoundaries kBuckets = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                              0.005,   0.01,   0.025,   0.05,   0.1,   0.25,
                                              0.5,     1,      2.5,     5,      10,    30};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto time = [](const timeval& value) {
    return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) / 1e6;
  };
  return time(usage.ru_utime) + time(usage.ru_stime);
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<Counter>& requests;
  prometheus::Family<Counter>& aborted;
  prometheus::Family<Counter>& bytes;
  prometheus::Family<Counter>& features;
  prometheus::Family<Histogram>& durations;
  prometheus::Family<Histogram>& phases;
  prometheus::Family<Gauge>& resident;
  prometheus::Family<Gauge>& cpu;
  triggers::Counters triggers{registry};

  Families()
      : requests(add<Counter>("cusp_requests_total",
                              "Exchanges that have ended, by application and status.")),
        aborted(add<Counter>("cusp_responses_aborted_total",
                             "Responses of which only a part went out.")),
        bytes(add<Counter>("cusp_response_body_bytes_total", "Bytes of response bodies sent.")),
        features(add<Counter>("cusp_feature_responses_total",
                              "Responses that a feature made in place of the origin.")),
        durations(add<Histogram>("cusp_request_duration_seconds",
                                 "From the request's head to the end of the response.")),
        phases(add<Histogram>("cusp_phase_duration_seconds",
                              "Time that exchanges spent in each phase of the pipeline.")),
        resident(add<Gauge>("process_resident_memory_bytes", "Resident memory size in bytes.")),
        cpu(add<Gauge>("process_cpu_seconds_total",
                       "Total user and system CPU time spent in seconds.")) {}

  template <class Metric>
  prometheus::Family<Metric>& add(const char* name, const char* help) {
    return prometheus::detail::Builder<Metric>().Name(name).Help(help).Register(registry);
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

triggers::Counters& Metrics::triggers() { return families_->triggers; }

std::string Metrics::text() const {
  families_->resident.Add({}).Set(resident_bytes());
  families_->cpu.Add({}).Set(cpu_seconds());
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

// The series of one application and status: finding them by their labels takes a lock and a map.
struct ShardObserver::Series {
  Counter* requests;
  Counter* aborted;
  Counter* bytes;
  Counter* answered_by;  // null: the origin
  Histogram* duration;
};

struct ShardObserver::Known {
  std::unordered_map<std::string, Series> series;
  std::array<Histogram*, edge::kPhases> phases;
};

ShardObserver::ShardObserver(Metrics& metrics, AccessLog* access_log)
    : metrics_(metrics), access_log_(access_log), known_(std::make_unique<Known>()) {
  for (size_t i = 0; i < edge::kPhases; ++i) {
    const std::string phase(to_string(static_cast<edge::Phase>(i)));
    known_->phases[i] = &metrics_.families_->phases.Add({{"phase", phase}}, kBuckets);
  }
}

ShardObserver::~ShardObserver() = default;

void ShardObserver::begins(const edge::Exchange& exchange, edge::Record& record) {
  if (access_log_ != nullptr) record.notes = access_log_notes(exchange);
}

ShardObserver::Series& ShardObserver::series(const edge::Record& record) {
  // Applications, features and statuses are few and not chosen by clients.
  std::string key = record.app;
  key.append(1, '\0').append(record.answered_by).append(1, '\0');
  key.append(std::to_string(record.status));
  const auto found = known_->series.find(key);
  if (found != known_->series.end()) return found->second;
  auto& families = *metrics_.families_;
  const std::string status = std::to_string(record.status);
  Series series{
      .requests = &families.requests.Add({{"app", record.app}, {"status", status}}),
      .aborted = &families.aborted.Add({{"app", record.app}}),
      .bytes = &families.bytes.Add({{"app", record.app}}),
      .answered_by = nullptr,
      .duration = &families.durations.Add({{"app", record.app}}, kBuckets),
  };
  if (!record.answered_by.empty()) {
    series.answered_by = &families.features.Add(
        {{"app", record.app}, {"feature", record.answered_by}, {"status", status}});
  }
  return known_->series.emplace(std::move(key), series).first->second;
}

void ShardObserver::ended(const edge::Record& record) {
  Series& counted = series(record);
  counted.requests->Increment();
  if (!record.complete) counted.aborted->Increment();
  counted.bytes->Increment(static_cast<double>(record.body_bytes));
  if (counted.answered_by != nullptr) counted.answered_by->Increment();
  counted.duration->Observe(seconds(record.total));
  for (size_t i = 0; i < edge::kPhases; ++i) {
    if (record.took[i].count() > 0) known_->phases[i]->Observe(seconds(record.took[i]));
  }
  if (access_log_ != nullptr) access_log_->write(access_log_line(record));
}

}  // namespace cusp::node
