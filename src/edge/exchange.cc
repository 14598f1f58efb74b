#include "edge/exchange.h"

#include <array>

namespace cusp::edge {

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, kPhases> kNames = {
      "admit", "identify", "route", "authorize", "lookup", "generate", "deliver", "log"};
  return kNames[static_cast<size_t>(phase)];
}

std::string_view Exchange::path() const {
  const std::string_view target = request.target;
  return target.substr(0, target.find('?'));
}

std::string_view Exchange::query() const {
  const std::string_view target = request.target;
  const size_t mark = target.find('?');
  return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

const Place& Exchange::place() {
  if (!place_) place_ = shard.geo != nullptr ? shard.geo->find(client.address) : Place();
  return *place_;
}

const std::string* Exchange::remembered(const Feature& feature) const {
  for (const auto& [owner, note] : notes_) {
    if (owner == &feature) return &note;
  }
  return nullptr;
}

}  // namespace cusp::edge
