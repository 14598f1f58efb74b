#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "store/kv/store.h"
#include "store/remote/fields.h"

// How two processes of one machine write what stores take and answer: numbers in 8 bytes, little
// endian; texts and lists behind their length.
namespace cusp::store::remote {

class Encoder {
 public:
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  std::string take() { return std::move(bytes_); }

 private:
  template <class T>
  void put(const T& value) {
    if constexpr (std::integral<T> || std::is_enum_v<T>) {
      put_number(static_cast<uint64_t>(value));
    } else {
      fields(*this, value);
    }
  }
  void put(double value) { put_number(std::bit_cast<uint64_t>(value)); }
  void put(kv::Time time) { put(time.time_since_epoch().count()); }
  void put(std::monostate) {}
  void put(const std::string& text) {
    put(text.size());
    bytes_ += text;
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put(list.size());
    for (const T& one : list) put(one);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <class... T>
  void put(const std::variant<T...>& value) {
    put(value.index());
    std::visit([this](const auto& held) { this->put(held); }, value);
  }
  template <class T>
  void put(const Result<T>& result) {
    put(result.has_value());
    if (!result) return put(result.error());
    if constexpr (!std::is_void_v<T>) put(*result);
  }
  void put_number(uint64_t number) {
    for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(number >> (8 * i));
  }

  std::string bytes_;
};

// Reads any bytes: where they are not what is asked for, every value is empty from there on, and
// good() says so. Takes no more memory than a small multiple of them.
class Decoder {
 public:
  // `bytes` outlive it.
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  bool good() const { return good_; }
  // Also that nothing is left.
  bool complete() const { return good_ && rest_.empty(); }

 private:
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      const uint64_t number = get_number();
      if (number > static_cast<uint64_t>(kLast<T>)) return spoil();
      value = static_cast<T>(number);
    } else if constexpr (std::integral<T>) {
      value = static_cast<T>(get_number());
    } else {
      fields(*this, value);
    }
  }
  void get(double& value) { value = std::bit_cast<double>(get_number()); }
  void get(kv::Time& time) {
    time = kv::Time(std::chrono::milliseconds(static_cast<int64_t>(get_number())));
  }
  void get(std::monostate&) {}
  void get(std::string& text) {
    const size_t size = get_count();
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.clear();
    for (size_t count = get_count(); count > 0 && good_; --count) get(list.emplace_back());
  }
  template <class T>
  void get(std::optional<T>& value) {
    value.reset();
    if (get_number() != 0) get(value.emplace());
  }
  template <class A, class B>
  void get(std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <class... T>
  void get(std::variant<T...>& value) {
    get_variant(value, get_number(), std::index_sequence_for<T...>());
  }
  template <class Variant, size_t... Index>
  void get_variant(Variant& value, uint64_t index, std::index_sequence<Index...>) {
    const bool known = ((index == Index && (get(value.template emplace<Index>()), true)) || ...);
    if (!known) spoil();
  }
  template <class T>
  void get(Result<T>& result) {
    if (get_number() != 0) {
      if constexpr (!std::is_void_v<T>) get(*(result = T{}));
      return;
    }
    Error error;
    get(error);
    result = std::unexpected(std::move(error));
  }
  uint64_t get_number();
  // Of bytes or elements, each of which takes one at least.
  size_t get_count();
  void spoil();

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace cusp::store::remote
