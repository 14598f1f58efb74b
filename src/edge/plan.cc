#include "edge/plan.h"

#include <algorithm>

namespace cusp::edge {

Plan::Plan(std::vector<Entry> entries) {
  for (size_t phase = 0; phase < kPhases; ++phase) {
    std::ranges::copy_if(entries, std::back_inserter(entries_), [&](const Entry& entry) {
      return entry.phase == static_cast<Phase>(phase);
    });
  }
}

std::vector<PlanReader::Slot> PlanReader::read(TableReader& table) const {
  std::vector<Slot> slots;
  for (const FeatureKind& kind : feature_kinds()) {
    Slot& slot = slots.emplace_back();
    const auto value = table.value(kind.key);
    if (!value) continue;
    slot.set = true;
    const bool off = value->is_boolean() && !value->boolean().value_or(true);
    if (!off) slot.feature = kind.read(*value, context_);
  }
  table.finish();
  return slots;
}

void PlanReader::read_defaults(TableReader table) { defaults_ = read(table); }

Plan PlanReader::read_route(std::optional<TableReader> table) const {
  std::vector<Slot> slots = defaults_;
  slots.resize(feature_kinds().size());
  if (table) {
    const auto own = read(*table);
    for (size_t i = 0; i < own.size(); ++i) {
      if (own[i].set) slots[i] = own[i];
    }
  }
  std::vector<Plan::Entry> entries;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].feature) continue;
    entries.push_back({.key = feature_kinds()[i].key,
                       .feature = slots[i].feature,
                       .phase = slots[i].feature->phase()});
  }
  return Plan(std::move(entries));
}

}  // namespace cusp::edge
