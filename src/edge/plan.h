#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/table_reader.h"
#include "edge/feature.h"

namespace cusp::edge {

// The features of one route, or of a whole node, in the order in which they act: by phase, and
// within a phase as feature_kinds() lists them. Immutable.
class Plan {
 public:
  struct Entry {
    std::string_view key;
    std::shared_ptr<const Feature> feature;  // shared by the routes that inherit it
    Phase phase;
  };

  explicit Plan(std::vector<Entry> entries);

  std::span<const Entry> entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

// Every kind of feature there is (features.cc). The order is that in which those of the same phase
// act.
std::span<const FeatureKind> feature_kinds();

// Reads the tables named "edge": of a node, of an application, of its routes.
class PlanReader {
 public:
  explicit PlanReader(FeatureContext context) : context_(std::move(context)) {}

  // Reads the application's table: what all of its routes have. Unknown keys and what features do
  // not like are reported through `table`.
  void read_defaults(TableReader table);
  // The plan of a route whose own table is `table` (none: without one): a key there stands in place
  // of the application's, `false` switches the feature off.
  Plan read_route(std::optional<TableReader> table) const;

 private:
  struct Slot {
    bool set = false;                        // whether the table speaks of it at all
    std::shared_ptr<const Feature> feature;  // null: switched off
  };
  std::vector<Slot> read(TableReader& table) const;

  FeatureContext context_;
  std::vector<Slot> defaults_;
};

}  // namespace cusp::edge
