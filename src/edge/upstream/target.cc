#include "edge/upstream/target.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace cusp::edge {

bool Target::available(Clock::time_point now) const {
  return healthy() &&
         now.time_since_epoch().count() >= ejected_until_.load(std::memory_order_relaxed);
}

bool Target::failed(const Ejection& ejection, Clock::time_point now) {
  if (ejection.failures == 0) return false;
  if (failures_.fetch_add(1, std::memory_order_relaxed) + 1 < ejection.failures) return false;
  failures_.store(0, std::memory_order_relaxed);
  const auto until = now + ejection.duration;
  ejected_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
  return true;
}

void Target::succeeded() { failures_.store(0, std::memory_order_relaxed); }

std::unique_ptr<Target> parse_target(std::string_view url) {
  auto target = std::make_unique<Target>();
  if (url.starts_with("https://")) {
    target->scheme = "https";
    target->port = 443;
  } else if (url.starts_with("http://")) {
    target->scheme = "http";
    target->port = 80;
  } else {
    return nullptr;
  }
  std::string_view authority = url.substr(target->scheme.size() + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.empty() || authority.find_first_of("/?#@\\ ") != authority.npos) return nullptr;
  target->authority = authority;
  std::string_view host = authority;
  if (const size_t colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
    const std::string_view digits = host.substr(colon + 1);
    const char* end = digits.data() + digits.size();
    const auto [read, error] = std::from_chars(digits.data(), end, target->port);
    if (error != std::errc() || read != end || target->port == 0) return nullptr;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return nullptr;
  target->host = host;
  return target;
}

Balancer::Balancer(Balance balance, std::vector<std::unique_ptr<Target>> targets)
    : balance_(balance), targets_(std::move(targets)) {}

Target* Balancer::pick(std::span<Target* const> tried, Target::Clock::time_point now) {
  std::vector<Target*> available, others;
  for (const auto& target : targets_) {
    if (std::ranges::find(tried, target.get()) != tried.end()) continue;
    (target->available(now) ? available : others).push_back(target.get());
  }
  const auto& candidates = available.empty() ? others : available;
  if (candidates.empty()) return nullptr;
  // A second choice is no turn: else every request could begin with the same target that fails.
  const uint64_t turn = turn_.fetch_add(tried.empty(), std::memory_order_relaxed);
  return pick_among(candidates, turn);
}

Target* Balancer::pick_among(std::span<Target* const> candidates, uint64_t turn) const {
  if (balance_ == Balance::kWeighted) {
    const uint64_t total =
        std::accumulate(candidates.begin(), candidates.end(), uint64_t{0},
                        [](uint64_t sum, const Target* target) { return sum + target->weight; });
    uint64_t place = turn % total;
    for (Target* target : candidates) {
      if (place < target->weight) return target;
      place -= target->weight;
    }
  }
  // Those that come after the last one chosen go first, so that idle targets take turns.
  const size_t first = turn % candidates.size();
  Target* best = candidates[first];
  for (size_t i = 1; i < candidates.size(); ++i) {
    Target* target = candidates[(first + i) % candidates.size()];
    const auto load = [](const Target* of) { return uint64_t{of->running()} + 1; };
    if (load(target) * best->weight < load(best) * target->weight) best = target;
  }
  return best;
}

}  // namespace cusp::edge
