#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "edge/exchange.h"

// What the parts of an expression become: closures whose type in C++ is their type in the language.
namespace cusp::edge::expression {

// One evaluation: the request that is looked at, and the texts that had to be made for it.
class Run {
 public:
  explicit Run(Exchange& exchange_in) : exchange(exchange_in) {}

  // A view that lives as long as the run.
  std::string_view keep(std::string text) {
    return *made_.emplace_back(std::make_unique<std::string>(std::move(text)));
  }

  Exchange& exchange;

 private:
  std::vector<std::unique_ptr<std::string>> made_;
};

using Text = std::move_only_function<std::string_view(Run&) const>;
using Number = std::move_only_function<int64_t(Run&) const>;
using Condition = std::move_only_function<bool(Run&) const>;
// The address of the client, which compares with blocks.
struct ClientAddress {};

struct Literal {
  std::variant<std::string, int64_t> value;
  size_t column = 1;
};
using List = std::vector<Literal>;

struct Term {
  std::variant<Literal, List, Text, Number, Condition, ClientAddress> value;
  size_t column = 1;
};

// "a text", "a number", "a list" …, for messages.
std::string_view type_name(const Term& term);

// Whether it is what as_text() and as_number() take: literals serve as either.
bool is_text(const Term& term);
bool is_number(const Term& term);
Text as_text(Term term);
Number as_number(Term term);

// The field `name`; with `key`, the member of that name of "query", "header" or "cookie".
Result<Term> make_field(std::string_view name, size_t column);
Result<Term> make_member(std::string_view name, std::string key, size_t column);
// Whether `name` is followed by a name in brackets; for "query" that may be.
bool has_members(std::string_view name);

// The function `name` of one argument.
bool is_function(std::string_view name);
Result<Term> make_call(std::string_view name, Term argument, size_t column);

// `left operation right`; `column` is that of the operation.
Result<Term> make_operation(std::string_view operation, Term left, Term right, size_t column);

}  // namespace cusp::edge::expression
