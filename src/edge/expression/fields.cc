#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "base/suggest.h"
#include "edge/expression/term.h"
#include "edge/expression/token.h"
#include "edge/host_name.h"
#include "edge/percent.h"

namespace cusp::edge::expression {

namespace {

struct TextField {
  std::string_view name;
  std::string_view (*read)(Run& run);
};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

std::string mapped(std::string_view text, char (*map)(char)) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), map);
  return result;
}

std::string_view host(Run& run) { return run.keep(host_name(run.exchange.request.authority)); }

std::string_view http_version(Run& run) {
  switch (run.exchange.request.version) {
    case http::Version::kHttp10: return "1.0";
    case http::Version::kHttp11: return "1.1";
    case http::Version::kHttp2: return "2";
  }
  return "";
}

constexpr std::array kTextFields = std::to_array<TextField>({
    {"as_organization",
     [](Run& run) -> std::string_view { return run.exchange.place().as_organization; }},
    {"city", [](Run& run) -> std::string_view { return run.exchange.place().city; }},
    {"continent", [](Run& run) -> std::string_view { return run.exchange.place().continent; }},
    {"country", [](Run& run) -> std::string_view { return run.exchange.place().country; }},
    {"host", host},
    {"http_version", http_version},
    {"method", [](Run& run) -> std::string_view { return run.exchange.request.method; }},
    {"path", [](Run& run) -> std::string_view { return run.exchange.path(); }},
    {"query", [](Run& run) -> std::string_view { return run.exchange.query(); }},
    {"region", [](Run& run) -> std::string_view { return run.exchange.place().region; }},
    {"scheme", [](Run& run) -> std::string_view { return run.exchange.request.scheme; }},
    {"timezone", [](Run& run) -> std::string_view { return run.exchange.place().timezone; }},
});
constexpr std::array kMemberFields = std::to_array<std::string_view>({"cookie", "header", "query"});
constexpr std::array kFunctions =
    std::to_array<std::string_view>({"length", "lower", "upper", "url_decode"});

bool over_tls(Run& run) {
  const http::Connection* connection = run.exchange.request.connection;
  return connection != nullptr && connection->tls();
}

// Calls `use` with each part of `text` between separators.
template <class Use>
void for_each_part(std::string_view text, char separator, Use use) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    use(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::pair<std::string_view, std::string_view> split_pair(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) return {text, {}};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Every value counts, as with header fields: a second parameter of a name hides nothing.
class Joined {
 public:
  void add(std::string_view value) {
    if (some_) text_ += ", ";
    some_ = true;
    text_ += value;
  }
  std::string take() { return std::move(text_); }

 private:
  bool some_ = false;
  std::string text_;
};

std::string query_parameter(std::string_view query, std::string_view name) {
  Joined values;
  for_each_part(query, '&', [&](std::string_view part) {
    const auto [key, value] = split_pair(part);
    if (form_decode(key) == name) values.add(form_decode(value));
  });
  return values.take();
}

std::string cookie(const http::Fields& fields, std::string_view name) {
  Joined values;
  for (const auto [field, text] : fields) {
    if (field != "cookie") continue;
    for_each_part(text, ';', [&](std::string_view part) {
      part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
      const auto [key, value] = split_pair(part);
      if (key == name) values.add(value);
    });
  }
  return values.take();
}

std::vector<std::string> known_names() {
  std::vector<std::string> names{"asn", "ip", "tls", "true", "false"};
  for (const TextField& field : kTextFields) names.emplace_back(field.name);
  for (const std::string_view name : kMemberFields) names.push_back(fmt::format("{}[\"…\"]", name));
  for (const std::string_view name : kFunctions) names.push_back(fmt::format("{}(…)", name));
  return names;
}

}  // namespace

Result<Term> make_field(std::string_view name, size_t column) {
  const auto text = std::ranges::find(kTextFields, name, &TextField::name);
  if (text != kTextFields.end()) return Term{Text(text->read), column};
  if (name == "ip") return Term{ClientAddress{}, column};
  if (name == "asn") {
    return Term{Number([](Run& run) -> int64_t { return run.exchange.place().asn; }), column};
  }
  if (name == "tls") return Term{Condition(over_tls), column};
  if (name == "true" || name == "false") {
    return Term{Condition([holds = name == "true"](Run&) { return holds; }), column};
  }
  if (has_members(name)) {
    return fail_at(column, fmt::format("'{0}' needs a name, as in {0}[\"name\"]", name));
  }
  return fail_at(column,
                 fmt::format("there is no field '{}'{}", name, suggest(name, known_names())));
}

bool has_members(std::string_view name) {
  return std::ranges::find(kMemberFields, name) != kMemberFields.end();
}

Result<Term> make_member(std::string_view name, std::string key, size_t column) {
  if (name == "header") {
    key = mapped(key, lower);
    if (!http::valid_field_name(key)) {
      return fail_at(column, fmt::format("'{}' is not the name of a header field", key));
    }
    return Term{Text([key](Run& run) -> std::string_view {
                  const http::Fields& fields = run.exchange.request.fields;
                  if (fields.count(key) > 1) return run.keep(*fields.get_all(key));
                  return fields.get(key).value_or("");
                }),
                column};
  }
  if (name == "cookie") {
    return Term{
        Text([key](Run& run) { return run.keep(cookie(run.exchange.request.fields, key)); }),
        column};
  }
  return Term{
      Text([key](Run& run) { return run.keep(query_parameter(run.exchange.query(), key)); }),
      column};
}

bool is_function(std::string_view name) {
  return std::ranges::find(kFunctions, name) != kFunctions.end();
}

Result<Term> make_call(std::string_view name, Term argument, size_t column) {
  if (!is_text(argument)) {
    return fail_at(argument.column,
                   fmt::format("{}() takes a text, not {},", name, type_name(argument)));
  }
  Text text = as_text(std::move(argument));
  if (name == "length") {
    return Term{Number([text = std::move(text)](Run& run) -> int64_t {
                  return static_cast<int64_t>(text(run).size());
                }),
                column};
  }
  if (name == "url_decode") {
    return Term{
        Text([text = std::move(text)](Run& run) { return run.keep(percent_decode(text(run))); }),
        column};
  }
  const auto map = name == "lower" ? lower : upper;
  return Term{
      Text([text = std::move(text), map](Run& run) { return run.keep(mapped(text(run), map)); }),
      column};
}

}  // namespace cusp::edge::expression
