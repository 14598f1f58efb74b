#include "edge/cache/structured.h"

#include <algorithm>
#include <charconv>

namespace cusp::edge::cache {

namespace {

using std::string_view;

// More than any field of ours has; keeps the look for duplicates short.
constexpr size_t kMembersMax = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alpha(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower_alpha(c) || (c >= 'A' && c <= 'Z'); }
bool is_token_byte(char c) {
  return is_digit(c) || is_alpha(c) ||
         string_view("!#$%&'*+-.^_`|~:/").find(c) != string_view::npos;
}

// Reads on from `at`; each function returns false for what is not valid (RFC 9651 section 4.2).
class Reader {
 public:
  explicit Reader(string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }
  void skip(string_view bytes) {
    while (!at_end() && bytes.find(text_[at_]) != bytes.npos) ++at_;
  }

  bool key(std::string& out) {
    if (!is_lower_alpha(peek()) && peek() != '*') return false;
    while (is_lower_alpha(peek()) || is_digit(peek()) ||
           (!at_end() && string_view("_-.*").find(peek()) != string_view::npos)) {
      out += text_[at_++];
    }
    return true;
  }

  bool item(Item& out) { return bare_item(out) && parameters(); }

  bool item_or_inner_list(Item& out) {
    if (!take('(')) return item(out);
    out.type = ItemType::kInnerList;
    while (true) {
      skip(" ");
      if (take(')')) return parameters();
      Item member;
      if (!item(member)) return false;
      if (peek() != ' ' && peek() != ')') return false;
    }
  }

  bool parameters() {
    while (take(';')) {
      skip(" ");
      std::string name;
      if (!key(name)) return false;
      Item value;
      if (take('=') && !bare_item(value)) return false;
    }
    return true;
  }

 private:
  bool bare_item(Item& out) {
    const char c = peek();
    if (is_digit(c) || c == '-') return number(out);
    if (c == '"') return string(out);
    if (is_alpha(c) || c == '*') return token(out);
    if (c == ':') return bytes(out);
    if (c == '?') return boolean(out);
    return false;
  }

  bool number(Item& out) {
    const size_t start = at_;
    take('-');
    const size_t digits = at_;
    while (is_digit(peek())) ++at_;
    const size_t whole = at_ - digits;
    if (whole == 0) return false;
    if (take('.')) {
      const size_t fraction = at_;
      while (is_digit(peek())) ++at_;
      out.type = ItemType::kDecimal;
      return whole <= 12 && at_ > fraction && at_ - fraction <= 3;
    }
    out.type = ItemType::kInteger;
    std::from_chars(text_.data() + start, text_.data() + at_, out.integer);
    return whole <= 15;
  }

  bool string(Item& out) {
    take('"');
    out.type = ItemType::kString;
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (peek() != '"' && peek() != '\\') return false;
        c = text_[at_++];
      } else if (c < 0x20 || c > 0x7e) {
        return false;
      }
      out.text += c;
    }
    return false;
  }

  bool token(Item& out) {
    out.type = ItemType::kToken;
    while (!at_end() && is_token_byte(peek())) out.text += text_[at_++];
    return true;
  }

  bool bytes(Item& out) {
    take(':');
    out.type = ItemType::kBytes;
    while (is_alpha(peek()) || is_digit(peek()) || peek() == '+' || peek() == '/' || peek() == '=')
      ++at_;
    return take(':');
  }

  bool boolean(Item& out) {
    take('?');
    out.type = ItemType::kBoolean;
    out.integer = peek() == '1';
    return take('0') || take('1');
  }

  string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<Dictionary> parse_dictionary(string_view text) {
  Reader reader(text);
  Dictionary dictionary;
  reader.skip(" ");
  while (!reader.at_end()) {
    std::string key;
    Item value;
    if (dictionary.size() == kMembersMax || !reader.key(key)) return std::nullopt;
    if (reader.take('=')) {
      if (!reader.item_or_inner_list(value)) return std::nullopt;
    } else if (!reader.parameters()) {
      return std::nullopt;
    }
    std::erase_if(dictionary, [&](const auto& member) { return member.first == key; });
    dictionary.emplace_back(std::move(key), std::move(value));
    reader.skip(" \t");
    if (reader.at_end()) return dictionary;
    if (!reader.take(',')) return std::nullopt;
    reader.skip(" \t");
    if (reader.at_end()) return std::nullopt;  // a comma at the end
  }
  return dictionary;
}

std::string structured_string(string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c < 0x20 || c > 0x7e ? '?' : c;
  }
  return out + '"';
}

}  // namespace cusp::edge::cache
