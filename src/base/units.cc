#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>

namespace cusp {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurationUnits{Unit{"ms", 1}, Unit{"s", 1e3}, Unit{"m", 60e3},
                                    Unit{"h", 3600e3}};
constexpr std::array kByteUnits{
    Unit{"B", 1},        Unit{"KB", 1e3},        Unit{"MB", 1e6},          Unit{"GB", 1e9},
    Unit{"KiB", 1024.0}, Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0}};
constexpr double kDurationMax = 10.0 * 365 * 24 * 3600e3;
constexpr double kBytesMax = 9007199254740992.0;  // 2^53: up to here a double counts every byte

// The value in the smallest unit; nothing when `text` is not NUMBER UNIT or is too big.
std::optional<uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units,
                                       double max) {
  // from_chars also reads "inf", "nan" and exponents, none of which belongs here.
  size_t length = text.find_first_not_of("0123456789.");
  if (length == 0 || length == std::string_view::npos) return std::nullopt;
  double number = 0;
  auto [end, status] =
      std::from_chars(text.data(), text.data() + length, number, std::chars_format::fixed);
  if (status != std::errc{} || end != text.data() + length) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(length) != unit.name) continue;
    double value = number * unit.factor;
    if (value > max || value != std::floor(value)) return std::nullopt;
    return static_cast<uint64_t>(value);
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  auto value = parse_quantity(text, kDurationUnits, kDurationMax);
  if (!value) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a duration; write a whole number of milliseconds with a "
                            "unit, such as \"250ms\", \"30s\", \"5m\" or \"2h\"",
                            text));
  }
  return std::chrono::milliseconds(static_cast<int64_t>(*value));
}

Result<uint64_t> parse_bytes(std::string_view text) {
  auto value = parse_quantity(text, kByteUnits, kBytesMax);
  if (!value) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a size; write a whole number of bytes with a unit, such "
                            "as \"512B\", \"64KiB\" or \"10MB\"",
                            text));
  }
  return *value;
}

}  // namespace cusp
