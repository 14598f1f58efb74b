#include "http/fields.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

namespace cusp::http {
namespace {

// What the first field makes room for: the others of a usual message need no more.
constexpr size_t kFirstFields = 8;
constexpr size_t kFirstBytes = 240;

// For each byte of a token its lower case, 0 for a byte that no token has (RFC 9110 section 5.6.2).
constexpr auto kTokenLower = [] {
  std::array<char, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[c] = c;
  for (char c = 'a'; c <= 'z'; ++c) table[c] = c;
  for (char c = 'A'; c <= 'Z'; ++c) table[c] = static_cast<char>(c - 'A' + 'a');
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[c] = c;
  return table;
}();

char token_lower(char c) { return kTokenLower[static_cast<unsigned char>(c)]; }

bool is_value_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

// Eight bytes at a time: whether one of them may be below 0x20 or be 0x7f. Says "may" of a tab too.
bool may_be_control(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  const uint64_t without_delete = bytes ^ (kOnes * 0x7f);
  return ((((bytes - kOnes * 0x20) & ~bytes) | ((without_delete - kOnes) & ~without_delete)) &
          kHigh) != 0;
}

bool only_value_bytes(std::string_view text) {
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text.data(), sizeof(bytes));
    if (may_be_control(bytes) && !std::all_of(text.begin(), text.begin() + 8, is_value_byte)) {
      return false;
    }
    text.remove_prefix(sizeof(bytes));
  }
  return std::all_of(text.begin(), text.end(), is_value_byte);
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool Fields::append(std::string_view name, std::string_view value) {
  if (entries_.capacity() == 0) reserve(kFirstFields, kFirstBytes);
  const size_t at = text_.size();
  text_.append(name).append(value);
  bool token = true;
  char* const end = text_.data() + at + name.size();
  for (char* c = text_.data() + at; c != end; ++c) {
    const char lower = token_lower(*c);
    token &= lower != 0;
    *c = lower != 0 ? lower : *c;
  }
  entries_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(name.size()),
                      static_cast<uint32_t>(at + name.size()),
                      static_cast<uint32_t>(value.size())});
  return token;
}

void Fields::add(std::string_view name, std::string_view value) { append(name, value); }

bool Fields::try_add(std::string_view name, std::string_view value) {
  if (name.empty() || !valid_field_value(value)) return false;
  if (append(name, value)) return true;
  remove_last();
  return false;
}

void Fields::remove_last() {
  text_.resize(entries_.back().name_at);
  entries_.pop_back();
}

void Fields::set(std::string_view name, std::string_view value) {
  const auto inside = [this](std::string_view text) {
    return !std::less<>()(text.data(), text_.data()) &&
           std::less<>()(text.data(), text_.data() + text_.size());
  };
  if (inside(name) || inside(value)) return set(std::string(name), std::string(value));
  add(name, value);
  const Entry added = entries_.back();
  entries_.pop_back();
  remove(std::string_view(text_).substr(added.name_at, added.name_size));
  entries_.push_back(added);
}

size_t Fields::remove(std::string_view name) {
  // The bytes stay behind in the buffer: fields are few and live for one message.
  return std::erase_if(entries_, [&](const Entry& entry) {
    return std::string_view(text_).substr(entry.name_at, entry.name_size) == name;
  });
}

void Fields::clear() {
  text_.clear();
  entries_.clear();
}

std::optional<std::string_view> Fields::get(std::string_view name) const {
  for (Field field : *this) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string> Fields::get_all(std::string_view name) const {
  std::optional<std::string> joined;
  for (Field field : *this) {
    if (field.name != name) continue;
    if (joined) {
      joined->append(", ").append(field.value);
    } else {
      joined = std::string(field.value);
    }
  }
  return joined;
}

size_t Fields::count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return std::string_view(text_).substr(entry.name_at, entry.name_size) == name;
      }));
}

Fields::Field Fields::operator[](size_t index) const {
  const Entry& entry = entries_[index];
  const char* text = text_.data();
  return {{text + entry.name_at, entry.name_size}, {text + entry.value_at, entry.value_size}};
}

size_t Fields::byte_size() const {
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.name_size + entry.value_size;
  return bytes;
}

void Fields::reserve(size_t fields, size_t bytes) {
  entries_.reserve(fields);
  text_.reserve(bytes);
}

bool valid_field_name(std::string_view name) {
  bool good = true;
  for (char c : name) good &= token_lower(c) != 0;
  return good && !name.empty();
}

bool valid_field_value(std::string_view value) {
  if (value.empty()) return true;
  return !is_space(value.front()) && !is_space(value.back()) && only_value_bytes(value);
}

}  // namespace cusp::http
