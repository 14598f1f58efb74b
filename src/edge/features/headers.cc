#include <array>
#include <utility>

#include <fmt/format.h>

#include "edge/features/features.h"

// headers = { request = { set = { x-edge = "1" }, remove = ["cookie"] },
//             response = { add = { vary = "accept" }, remove = ["server"] } }
namespace cusp::edge {

namespace {

// What the sessions themselves write or check: a rule about them would break the message.
constexpr std::array kFraming =
    std::to_array<std::string_view>({"connection", "content-length", "host", "keep-alive", "te",
                                     "trailer", "transfer-encoding", "upgrade"});

struct FieldRules {
  std::vector<std::string> remove;
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> add;

  bool empty() const { return remove.empty() && set.empty() && add.empty(); }

  void apply(http::Fields& fields) const {
    for (const auto& name : remove) fields.remove(name);
    for (const auto& [name, value] : set) fields.set(name, value);
    for (const auto& [name, value] : add) fields.add(name, value);
  }
};

std::string check_name(const Value& value, std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (!http::valid_field_name(name)) {
    value.error(fmt::format("'{}' is not the name of a header field", name));
  } else if (std::ranges::find(kFraming, name) != kFraming.end()) {
    value.error(fmt::format("the field '{}' frames the message and cannot be changed", name));
  }
  return name;
}

std::vector<std::pair<std::string, std::string>> read_fields(TableReader& table,
                                                             std::string_view key) {
  std::vector<std::pair<std::string, std::string>> fields;
  auto reader = table.table(key);
  if (!reader) return fields;
  for (const auto& entry : reader->entries()) {
    const std::string text = entry.value.string().value_or("");
    if (!http::valid_field_value(text)) {
      entry.value.error(fmt::format("the value of '{}' cannot stand in a header field", entry.key));
    }
    fields.emplace_back(check_name(entry.value, entry.key), text);
  }
  return fields;
}

FieldRules read_rules(TableReader& table, std::string_view key) {
  FieldRules rules;
  auto reader = table.table(key);
  if (!reader) return rules;
  if (const auto remove = reader->value("remove")) {
    for (auto& name : remove->strings()) rules.remove.push_back(check_name(*remove, name));
  }
  rules.set = read_fields(*reader, "set");
  rules.add = read_fields(*reader, "add");
  reader->finish();
  return rules;
}

class Headers final : public Feature {
 public:
  Headers(FieldRules request, FieldRules response)
      : request_(std::move(request)), response_(std::move(response)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    request_.apply(exchange.request.fields);
    exchange.explain([&] {
      return fmt::format("{} fields of the request changed",
                         request_.remove.size() + request_.set.size() + request_.add.size());
    });
    return Continue{};
  }

  void deliver(Exchange&, http::Response& response) const override {
    response_.apply(response.fields);
  }

 private:
  const FieldRules request_;
  const FieldRules response_;
};

}  // namespace

std::unique_ptr<Feature> read_headers(const Value& value, const FeatureContext&) {
  auto table = value.table();
  if (!table) return nullptr;
  FieldRules request = read_rules(*table, "request");
  FieldRules response = read_rules(*table, "response");
  table->finish();
  if (request.empty() && response.empty()) {
    value.error("'headers' needs a table 'request' or 'response' with 'set', 'add' or 'remove'");
  }
  return std::make_unique<Headers>(std::move(request), std::move(response));
}

}  // namespace cusp::edge
