#include "edge/expression/expression.h"

#include <charconv>

#include <fmt/format.h>

#include "base/assert.h"
#include "edge/expression/term.h"
#include "edge/expression/token.h"

namespace cusp::edge {

namespace expression {
namespace {

// How strongly an operation binds its sides; 0: not an operation.
int power_of(const Token& token) {
  constexpr std::string_view kComparisons[] = {"==",        "!=", "<",        "<=",
                                               ">",         ">=", "contains", "starts_with",
                                               "ends_with", "in", "matches",  "not"};
  if (token.is("or") || token.is("||")) return 1;
  if (token.is("and") || token.is("&&")) return 2;
  for (const std::string_view name : kComparisons) {
    if (token.is(name)) return 4;
  }
  return 0;
}
constexpr int kNotPower = 3;
constexpr int kWhole = 1;

std::string described(const Token& token) {
  return token.kind == Token::Kind::kEnd ? "the end" : fmt::format("'{}'", token.text);
}

// Precedence climbing (Pratt): one function for all binary operations.
class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(text) {}

  Result<Term> parse() {
    CUSP_CHECK(advance());
    CUSP_TRY(Term term, operations(kWhole));
    if (token_.kind != Token::Kind::kEnd) return unexpected("an operator such as 'and'");
    return term;
  }

 private:
  Result<> advance() {
    CUSP_TRY(token_, tokens_.next());
    return {};
  }
  Result<> expect(std::string_view symbol) {
    if (!token_.is(symbol)) return unexpected(fmt::format("'{}'", symbol));
    return advance();
  }
  std::unexpected<Error> unexpected(std::string_view expected) const {
    return fail_at(token_.column, fmt::format("expected {}, not {}", expected, described(token_)));
  }

  // What bounds the depth of recursion and of what is built.
  Result<Term> operations(int power_min) {
    if (++depth_ > kExpressionDepthMax) {
      return fail_at(token_.column, fmt::format("nested deeper than {}", kExpressionDepthMax));
    }
    CUSP_TRY(Term left, operand());
    while (power_of(token_) >= power_min) {
      const size_t column = token_.column;
      const int power = power_of(token_);
      CUSP_TRY(const std::string operation, take_operation());
      CUSP_TRY(Term right, operations(power + 1));
      CUSP_CHECK(count(column));
      CUSP_TRY(left, make_operation(operation, std::move(left), std::move(right), column));
    }
    --depth_;
    return left;
  }

  Result<std::string> take_operation() {
    std::string name = token_.is("&&") ? "and" : token_.is("||") ? "or" : token_.text;
    CUSP_CHECK(advance());
    if (name != "not") return name;
    CUSP_CHECK(expect("in"));
    return "not in";
  }

  Result<> count(size_t column) {
    if (++nodes_ <= kExpressionNodesMax) return {};
    return fail_at(column, fmt::format("more than {} parts", kExpressionNodesMax));
  }

  Result<Term> operand() {
    const size_t column = token_.column;
    CUSP_CHECK(count(column));
    if (token_.is("not") || token_.is("!")) return negation(column);
    if (token_.is("(")) return group();
    if (token_.is("[")) return list(column);
    if (token_.kind == Token::Kind::kName) return named(column);
    CUSP_TRY(Literal value, literal());
    return Term{std::move(value), column};
  }

  Result<Term> negation(size_t column) {
    CUSP_CHECK(advance());
    CUSP_TRY(Term term, operations(kNotPower));
    auto* condition = std::get_if<Condition>(&term.value);
    if (condition == nullptr) {
      return fail_at(column, fmt::format("'not' needs a condition, not {},", type_name(term)));
    }
    return Term{Condition([inner = std::move(*condition)](Run& run) { return !inner(run); }),
                column};
  }

  Result<Term> group() {
    CUSP_CHECK(advance());
    CUSP_TRY(Term term, operations(kWhole));
    CUSP_CHECK(expect(")"));
    return term;
  }

  Result<Term> list(size_t column) {
    List members;
    CUSP_CHECK(advance());
    while (!token_.is("]")) {
      CUSP_TRY(Literal member, literal());
      members.push_back(std::move(member));
      if (!token_.is(",")) break;
      CUSP_CHECK(advance());
    }
    CUSP_CHECK(expect("]"));
    if (members.empty()) return fail_at(column, "a list without members");
    return Term{std::move(members), column};
  }

  Result<Literal> literal() {
    Literal result{.column = token_.column};
    if (token_.kind == Token::Kind::kText) {
      result.value = token_.text;
    } else if (token_.kind == Token::Kind::kNumber) {
      int64_t number = 0;
      const char* end = token_.text.data() + token_.text.size();
      const auto [_, status] = std::from_chars(token_.text.data(), end, number);
      if (status != std::errc{}) return fail_at(token_.column, "a number that is too large");
      result.value = number;
    } else {
      return unexpected("a field, a text or a number");
    }
    CUSP_CHECK(advance());
    return result;
  }

  // A field, a member of one, or a call.
  Result<Term> named(size_t column) {
    const std::string name = token_.text;
    CUSP_CHECK(advance());
    if (has_members(name) && token_.is("[")) return member(name, column);
    if (!is_function(name)) return make_field(name, column);
    CUSP_CHECK(expect("("));
    CUSP_TRY(Term argument, operations(kWhole));
    CUSP_CHECK(expect(")"));
    return make_call(name, std::move(argument), column);
  }

  Result<Term> member(const std::string& name, size_t column) {
    CUSP_CHECK(advance());
    if (token_.kind != Token::Kind::kText) return unexpected("a name in quotes");
    std::string key = token_.text;
    CUSP_CHECK(advance());
    CUSP_CHECK(expect("]"));
    return make_member(name, std::move(key), column);
  }

  Tokenizer tokens_;
  Token token_;
  size_t depth_ = 0;
  size_t nodes_ = 0;
};

}  // namespace
}  // namespace expression

struct Expression::Compiled {
  std::variant<expression::Text, expression::Number, expression::Condition> value;
};

Expression::Expression(std::string text, std::unique_ptr<const Compiled> compiled)
    : text_(std::move(text)), compiled_(std::move(compiled)) {}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return expression::fail_at(kExpressionBytesMax + 1,
                               fmt::format("longer than {} bytes", kExpressionBytesMax));
  }
  CUSP_TRY(expression::Term term, expression::Parser(text).parse());
  auto compiled = std::make_unique<Compiled>();
  if (auto* condition = std::get_if<expression::Condition>(&term.value)) {
    compiled->value = std::move(*condition);
  } else if (is_number(term)) {
    compiled->value = as_number(std::move(term));
  } else if (is_text(term)) {
    compiled->value = as_text(std::move(term));
  } else {
    return expression::fail_at(term.column, "a list is not a value");
  }
  return Expression(std::string(text), std::move(compiled));
}

Result<Expression> Expression::parse_condition(std::string_view text) {
  CUSP_TRY(Expression expression, parse(text));
  if (expression.is_condition()) return expression;
  return expression::fail_at(1, "expected a condition, such as a comparison, not a mere value,");
}

bool Expression::is_condition() const {
  return std::holds_alternative<expression::Condition>(compiled_->value);
}

bool Expression::test(Exchange& exchange) const {
  const auto* condition = std::get_if<expression::Condition>(&compiled_->value);
  CUSP_ASSERT(condition != nullptr);
  expression::Run run(exchange);
  return (*condition)(run);
}

std::string Expression::value(Exchange& exchange) const {
  if (is_condition()) return test(exchange) ? "true" : "false";
  expression::Run run(exchange);
  if (const auto* number = std::get_if<expression::Number>(&compiled_->value)) {
    return fmt::format("{}", (*number)(run));
  }
  return std::string(std::get<expression::Text>(compiled_->value)(run));
}

namespace {

std::optional<Expression> read(const Value& value,
                               Result<Expression> (*parse)(std::string_view text)) {
  const auto text = value.string();
  if (!text) return std::nullopt;
  auto expression = parse(*text);
  if (expression) return std::move(*expression);
  value.error(fmt::format("'{}': {}", value.name(), expression.error().message));
  return std::nullopt;
}

}  // namespace

std::optional<Expression> read_condition(const Value& value) {
  return read(value, Expression::parse_condition);
}

std::optional<Expression> read_expression(const Value& value) {
  return read(value, Expression::parse);
}

}  // namespace cusp::edge
