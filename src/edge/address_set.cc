#include "edge/address_set.h"

#include <algorithm>

#include <fmt/format.h>

namespace cusp::edge {

namespace {

// The first and the last address of a block: its free bits all zero, all one.
Address with_free_bits(const AddressBlock& block, bool ones) {
  Address address = block.address;
  for (size_t i = 0; i < address.size(); ++i) {
    const size_t fixed =
        block.prefix_bits <= i * 8 ? 0 : std::min<size_t>(block.prefix_bits - i * 8, 8);
    const unsigned free = 0xffu >> fixed;
    address[i] = static_cast<uint8_t>(ones ? address[i] | free : address[i] & ~free);
  }
  return address;
}

}  // namespace

AddressSet::AddressSet(const std::vector<AddressBlock>& blocks) {
  std::vector<Range> all;
  all.reserve(blocks.size());
  for (const AddressBlock& block : blocks) {
    all.push_back({with_free_bits(block, false), with_free_bits(block, true)});
  }
  std::ranges::sort(all, {}, &Range::first);
  for (const Range& range : all) {
    // Blocks are nested or apart, never half over each other.
    const bool covered = !ranges_.empty() && range.first <= ranges_.back().last;
    if (!covered) ranges_.push_back(range);
  }
  ranges_.shrink_to_fit();
}

bool AddressSet::contains(const Address& address) const {
  auto after = std::ranges::upper_bound(ranges_, address, {}, &Range::first);
  return after != ranges_.begin() && address <= std::prev(after)->last;
}

bool AddressSet::contains(std::string_view address) const {
  const auto parsed = parse_address(address);
  return parsed && contains(*parsed);
}

Result<AddressBlock> parse_block_or_address(std::string_view text) {
  if (const auto block = parse_address_block(text)) return *block;
  if (const auto address = parse_address(text)) return AddressBlock{.address = *address};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is neither an address nor a block such as \"192.0.2.0/24\"", text));
}

}  // namespace cusp::edge
