#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cusp::http {

// Header or trailer fields in the order they came (RFC 9110 section 5). Names are stored in lower
// case; values are opaque bytes without leading or trailing white space. All text lies in one
// buffer, so that a request costs two allocations and not two for each field. Views stay valid
// until the next change. A value type.
class Fields {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  // Adds a field after the others, also when the name is there already. `name` may have upper case.
  void add(std::string_view name, std::string_view value);
  // The same for text from outside: false, and nothing is added, when name or value is not what
  // RFC 9110 allows.
  bool try_add(std::string_view name, std::string_view value);
  // Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  // Removes every field of that name; the number removed.
  size_t remove(std::string_view name);
  // Takes back the field that was added last.
  void remove_last();
  // Empties it and keeps the memory.
  void clear();

  // `name` in lower case, for these three. The first value, nothing when absent.
  std::optional<std::string_view> get(std::string_view name) const;
  // All values of that name joined with ", " (RFC 9110 section 5.3), nothing when absent.
  std::optional<std::string> get_all(std::string_view name) const;
  size_t count(std::string_view name) const;

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Field operator[](size_t index) const;
  // Bytes of all names and values.
  size_t byte_size() const;
  void reserve(size_t fields, size_t bytes);

  class Iterator {
   public:
    using value_type = Field;
    using difference_type = ptrdiff_t;

    Iterator() = default;
    Iterator(const Fields* fields, size_t index) : fields_(fields), index_(index) {}
    Field operator*() const { return (*fields_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++index_;
      return before;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    const Fields* fields_ = nullptr;
    size_t index_ = 0;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, entries_.size()}; }

 private:
  struct Entry {
    uint32_t name_at, name_size, value_at, value_size;
  };
  // Whether the name is a token.
  bool append(std::string_view name, std::string_view value);

  std::string text_;
  std::vector<Entry> entries_;
};

// What RFC 9110 section 5.1 and 5.5 allow: a token, and visible bytes with inner space and tab.
bool valid_field_name(std::string_view name);
bool valid_field_value(std::string_view value);

}  // namespace cusp::http
