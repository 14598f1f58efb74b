#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>
#include <re2/re2.h>

#include "edge/address_set.h"
#include "edge/expression/expression.h"
#include "edge/expression/term.h"
#include "edge/expression/token.h"

namespace cusp::edge::expression {

namespace {

template <class T>
const T* literal(const Term& term) {
  const auto* found = std::get_if<Literal>(&term.value);
  return found != nullptr ? std::get_if<T>(&found->value) : nullptr;
}

bool is_address(const Term& term) { return std::holds_alternative<ClientAddress>(term.value); }

// The right side as a list: itself, or a single literal.
std::optional<List> as_list(Term& term) {
  if (auto* list = std::get_if<List>(&term.value)) return std::move(*list);
  if (auto* one = std::get_if<Literal>(&term.value)) return List{std::move(*one)};
  return std::nullopt;
}

// The members of a list, which must all be of one type.
template <class T>
Result<std::vector<T>> members(List list, std::string_view expected) {
  std::vector<T> values;
  for (Literal& member : list) {
    auto* value = std::get_if<T>(&member.value);
    if (value == nullptr) return fail_at(member.column, fmt::format("expected {}", expected));
    values.push_back(std::move(*value));
  }
  return values;
}

Result<Condition> in_blocks(List list) {
  std::vector<AddressBlock> blocks;
  for (const Literal& member : list) {
    const auto* text = std::get_if<std::string>(&member.value);
    if (text == nullptr) return fail_at(member.column, "expected an address in quotes");
    const auto block = parse_block_or_address(*text);
    if (!block) return fail_at(member.column, block.error().message);
    blocks.push_back(*block);
  }
  return Condition(
      [set = AddressSet(blocks)](Run& run) { return set.contains(run.exchange.client.address); });
}

template <class T, class Get>
Condition in_values(std::vector<T> values, Get get) {
  std::ranges::sort(values);
  return [values = std::move(values), get = std::move(get)](Run& run) {
    return std::binary_search(values.begin(), values.end(), get(run), std::less<>());
  };
}

Result<Condition> in(Term left, Term right, size_t column) {
  auto list = as_list(right);
  if (!list) {
    return fail_at(right.column, fmt::format("'in' needs a list such as [\"a\", \"b\"], not {},",
                                             type_name(right)));
  }
  if (is_address(left)) return in_blocks(std::move(*list));
  if (is_number(left)) {
    CUSP_TRY(auto numbers, members<int64_t>(std::move(*list), "a number"));
    return in_values(std::move(numbers), as_number(std::move(left)));
  }
  if (is_text(left)) {
    CUSP_TRY(auto texts, members<std::string>(std::move(*list), "a text"));
    return in_values(std::move(texts), as_text(std::move(left)));
  }
  return fail_at(column, fmt::format("'in' does not look for {}", type_name(left)));
}

// A regular expression over bytes: what a client sends need not be UTF-8, and a line break ends no
// match early.
Result<Condition> matches(Term left, const Term& right, size_t column) {
  const auto* pattern = literal<std::string>(right);
  if (!is_text(left) || pattern == nullptr) {
    return fail_at(column, "'matches' stands between a text and a pattern in quotes,");
  }
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_max_mem(kPatternBytesMax);
  auto compiled = std::make_unique<RE2>(*pattern, options);
  if (!compiled->ok()) {
    return fail_at(right.column,
                   fmt::format("not a pattern that RE2 takes ({})", compiled->error()));
  }
  return Condition([text = as_text(std::move(left)), compiled = std::move(compiled)](Run& run) {
    const std::string_view subject = text(run);
    return RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()), *compiled);
  });
}

using TextTest = bool (*)(std::string_view text, std::string_view part);

struct TextOperation {
  std::string_view name;
  TextTest test;
};
constexpr std::array kTextOperations = std::to_array<TextOperation>({
    {"contains", [](std::string_view text, std::string_view part) { return text.contains(part); }},
    {"starts_with",
     [](std::string_view text, std::string_view part) { return text.starts_with(part); }},
    {"ends_with",
     [](std::string_view text, std::string_view part) { return text.ends_with(part); }},
});

// Whether one of several parts is there, or the only one.
Result<Condition> search(const TextOperation& operation, Term left, Term right, size_t column) {
  if (auto* list = std::get_if<List>(&right.value); list != nullptr && is_text(left)) {
    CUSP_TRY(auto parts, members<std::string>(std::move(*list), "a text"));
    return Condition([text = as_text(std::move(left)), parts, test = operation.test](Run& run) {
      const std::string_view subject = text(run);
      return std::ranges::any_of(parts, [&](const auto& part) { return test(subject, part); });
    });
  }
  if (!is_text(left) || !is_text(right)) {
    return fail_at(column, fmt::format("'{}' stands between two texts, not {} and {},",
                                       operation.name, type_name(left), type_name(right)));
  }
  return Condition([text = as_text(std::move(left)), part = as_text(std::move(right)),
                    test = operation.test](Run& run) { return test(text(run), part(run)); });
}

template <class Read>
Condition compare(std::string_view operation, Read left, Read right) {
  const auto with = [&](auto holds) {
    return Condition([left = std::move(left), right = std::move(right), holds](Run& run) {
      return holds(left(run), right(run));
    });
  };
  if (operation == "==") return with(std::equal_to<>());
  if (operation == "!=") return with(std::not_equal_to<>());
  if (operation == "<") return with(std::less<>());
  if (operation == "<=") return with(std::less_equal<>());
  if (operation == ">") return with(std::greater<>());
  return with(std::greater_equal<>());
}

Condition negated(Condition condition) {
  return [condition = std::move(condition)](Run& run) { return !condition(run); };
}

Result<Condition> compare_terms(std::string_view operation, Term left, Term right, size_t column) {
  const bool equality = operation == "==" || operation == "!=";
  if (equality && is_address(left) && literal<std::string>(right) != nullptr) {
    CUSP_TRY(Condition same, in_blocks(*as_list(right)));
    return operation == "==" ? std::move(same) : negated(std::move(same));
  }
  if (is_number(left) && is_number(right)) {
    return compare(operation, as_number(std::move(left)), as_number(std::move(right)));
  }
  if (equality && is_text(left) && is_text(right)) {
    return compare(operation, as_text(std::move(left)), as_text(std::move(right)));
  }
  return fail_at(column, fmt::format("'{}' does not compare {} with {}", operation, type_name(left),
                                     type_name(right)));
}

Result<Condition> join(bool both, Term left, Term right, size_t column) {
  auto* first = std::get_if<Condition>(&left.value);
  auto* second = std::get_if<Condition>(&right.value);
  if (first == nullptr || second == nullptr) {
    return fail_at(column, fmt::format("'{}' joins two conditions, not {} and {},",
                                       both ? "and" : "or", type_name(left), type_name(right)));
  }
  return Condition([both, first = std::move(*first), second = std::move(*second)](Run& run) {
    return both ? first(run) && second(run) : first(run) || second(run);
  });
}

Result<Condition> operate(std::string_view operation, Term left, Term right, size_t column) {
  if (operation == "and" || operation == "or") {
    return join(operation == "and", std::move(left), std::move(right), column);
  }
  if (operation == "in") return in(std::move(left), std::move(right), column);
  if (operation == "not in") {
    CUSP_TRY(Condition inside, in(std::move(left), std::move(right), column));
    return negated(std::move(inside));
  }
  if (operation == "matches") return matches(std::move(left), right, column);
  const auto found = std::ranges::find(kTextOperations, operation, &TextOperation::name);
  if (found != kTextOperations.end()) {
    return search(*found, std::move(left), std::move(right), column);
  }
  return compare_terms(operation, std::move(left), std::move(right), column);
}

}  // namespace

std::string_view type_name(const Term& term) {
  if (std::holds_alternative<List>(term.value)) return "a list";
  if (std::holds_alternative<Condition>(term.value)) return "a condition";
  if (is_address(term)) return "an address";
  return is_number(term) ? "a number" : "a text";
}

bool is_text(const Term& term) {
  return std::holds_alternative<Text>(term.value) || literal<std::string>(term) != nullptr ||
         is_address(term);
}

bool is_number(const Term& term) {
  return std::holds_alternative<Number>(term.value) || literal<int64_t>(term) != nullptr;
}

Text as_text(Term term) {
  if (auto* text = std::get_if<Text>(&term.value)) return std::move(*text);
  if (is_address(term)) {
    return [](Run& run) -> std::string_view { return run.exchange.client.address; };
  }
  return [text = *literal<std::string>(term)](Run&) -> std::string_view { return text; };
}

Number as_number(Term term) {
  if (auto* number = std::get_if<Number>(&term.value)) return std::move(*number);
  return [number = *literal<int64_t>(term)](Run&) { return number; };
}

Result<Term> make_operation(std::string_view operation, Term left, Term right, size_t column) {
  CUSP_TRY(Condition condition, operate(operation, std::move(left), std::move(right), column));
  return Term{std::move(condition), column};
}

}  // namespace cusp::edge::expression
