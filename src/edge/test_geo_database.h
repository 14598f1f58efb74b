#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/address.h"

// Writes databases in the MaxMind format (its specification, version 2.0), so that tests know what
// is in theirs and can spoil them.
namespace cusp::edge::testing {

// A record. Unsigned numbers have 32 bits.
using GeoValue = nlohmann::ordered_json;

class GeoDatabaseWriter {
 public:
  // Addresses of `block`, such as "192.0.2.0/24", have the record `value`.
  void add(std::string_view block, const GeoValue& value) {
    const AddressBlock parsed = *parse_address_block(block);
    Address address = parsed.address;
    // IPv4 stands at the beginning of an IPv6 tree: ::192.0.2.0/120.
    static const AddressBlock kIpv4 = *parse_address_block("0.0.0.0/0");
    if (kIpv4.contains(address)) address[10] = address[11] = 0;
    const uint32_t record = static_cast<uint32_t>(data_.size());
    append(data_, value);
    size_t node = 0;
    for (unsigned bit = 0; bit < parsed.prefix_bits; ++bit) {
      const unsigned side = address[bit / 8] >> (7 - bit % 8) & 1;
      if (bit + 1 == parsed.prefix_bits) {
        nodes_[node][side] = {Link::kData, record};
      } else {
        if (nodes_[node][side].kind != Link::kNode) {
          nodes_[node][side] = {Link::kNode, static_cast<uint32_t>(nodes_.size())};
          nodes_.emplace_back();
        }
        node = nodes_[node][side].target;
      }
    }
  }

  // The bytes of the file.
  std::string text() const {
    std::string out;
    for (const auto& node : nodes_) {
      for (const Link& link : node) append_record(out, link);
    }
    out += std::string(16, '\0') + data_ + "\xab\xcd\xefMaxMind.com";
    append_control(out, kMap, 9);
    const auto entry = [&](std::string_view key, Type type, uint64_t value, size_t bytes) {
      append(out, key);
      append_control(out, type, bytes);
      append_number(out, value, bytes);
    };
    entry("binary_format_major_version", kUnsigned16, 2, 2);
    entry("binary_format_minor_version", kUnsigned16, 0, 2);
    entry("ip_version", kUnsigned16, 6, 2);
    entry("node_count", kUnsigned32, nodes_.size(), 4);
    entry("record_size", kUnsigned16, 32, 2);
    entry("build_epoch", kUnsigned64, 1, 8);
    append(out, std::string_view("database_type"));
    append(out, std::string_view("Test"));
    append(out, std::string_view("description"));
    append(out, GeoValue::object());
    append(out, std::string_view("languages"));
    append(out, GeoValue::array());
    return out;
  }

 private:
  struct Link {
    enum Kind { kNothing, kNode, kData } kind = kNothing;
    uint32_t target = 0;
  };

  static void append_number(std::string& out, uint64_t number, size_t bytes) {
    for (size_t i = bytes; i-- > 0;) out += static_cast<char>(number >> (8 * i));
  }

  void append_record(std::string& out, const Link& link) const {
    const auto count = static_cast<uint32_t>(nodes_.size());
    const uint32_t base = link.kind == Link::kData ? count + 16 : 0;
    append_number(out, link.kind == Link::kNothing ? count : base + link.target, 4);
  }

  enum Type : unsigned {
    kString = 2,
    kDouble = 3,
    kUnsigned16 = 5,
    kUnsigned32 = 6,
    kMap = 7,
    kUnsigned64 = 9,
    kArray = 11
  };

  static void append_control(std::string& out, Type type, size_t size) {
    const size_t low = size < 29 ? size : 29;
    out += static_cast<char>((type > 7 ? 0 : type << 5) | low);
    if (type > 7) out += static_cast<char>(type - 7);
    if (size >= 29) out += static_cast<char>(size - 29);  // up to 284
  }

  static void append(std::string& out, std::string_view text) {
    append_control(out, kString, text.size());
    out += text;
  }

  static void append(std::string& out, const GeoValue& value) {
    if (value.is_string()) {
      append(out, std::string_view(value.get_ref<const std::string&>()));
    } else if (value.is_number_float()) {
      append_control(out, kDouble, 8);
      append_number(out, std::bit_cast<uint64_t>(value.get<double>()), 8);
    } else if (value.is_number()) {
      append_control(out, kUnsigned32, 4);
      append_number(out, value.get<uint32_t>(), 4);
    } else {
      append_control(out, value.is_object() ? kMap : kArray, value.size());
      for (const auto& [key, member] : value.items()) {
        if (value.is_object()) append(out, std::string_view(key));
        append(out, member);
      }
    }
  }

  std::vector<std::array<Link, 2>> nodes_ = std::vector<std::array<Link, 2>>(1);
  std::string data_;
};

}  // namespace cusp::edge::testing
