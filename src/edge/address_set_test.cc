#include "edge/address_set.h"

#include <gtest/gtest.h>

#include <chrono>

#include <fmt/format.h>

namespace cusp::edge {
namespace {

AddressSet set_of(std::initializer_list<const char*> texts) {
  std::vector<AddressBlock> blocks;
  for (const char* text : texts) blocks.push_back(parse_block_or_address(text).value());
  return AddressSet(blocks);
}

TEST(AddressSet, HoldsWhatItsBlocksHold) {
  const AddressSet set = set_of({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/33",
                                 "203.0.113.128/25", "198.51.100.9/31"});
  for (const char* address :
       {"10.0.0.0", "10.255.255.255", "10.1.2.3", "192.0.2.7", "2001:db8:7fff:ffff::1",
        "203.0.113.128", "203.0.113.255", "198.51.100.8", "198.51.100.9", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(set.contains(address)) << address;
  }
  for (const char* address :
       {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "2001:db8:8000::", "203.0.113.127",
        "198.51.100.10", "::10.1.2.3", "", "10.1.2", "10.1.2.3.4", "x", "::ffff:0:10.1.2.3"}) {
    EXPECT_FALSE(set.contains(address)) << address;
  }
  EXPECT_EQ(set.size(), 5u) << "10.1.0.0/16 lies in 10.0.0.0/8";
}

TEST(AddressSet, EverythingAndNothing) {
  const AddressSet everything = set_of({"::/0"});
  EXPECT_TRUE(everything.contains("192.0.2.1"));
  EXPECT_TRUE(everything.contains("ffff::"));
  EXPECT_FALSE(AddressSet().contains("192.0.2.1"));
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains("2001:db8::1"));
}

TEST(AddressSet, AHundredThousandBlocksAreFoundQuickly) {
  std::vector<AddressBlock> blocks;
  for (int i = 0; i < 100'000; ++i) {
    const auto text = fmt::format("{}.{}.{}.0/25", 1 + i / 65536, i / 256 % 256, i % 256);
    blocks.push_back(*parse_address_block(text));
  }
  const AddressSet set(blocks);
  EXPECT_EQ(set.size(), 100'000u);
  const auto start = std::chrono::steady_clock::now();
  size_t found = 0;
  for (int i = 0; i < 100'000; ++i) {
    Address address = *parse_address("1.2.3.4");
    address[13] = static_cast<uint8_t>(i / 256);
    address[14] = static_cast<uint8_t>(i);
    address[15] = static_cast<uint8_t>(i % 2 * 128);
    found += set.contains(address);
  }
  EXPECT_EQ(found, 50'000u);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took, std::chrono::seconds(2)) << "a scan of all blocks would take minutes";
}

TEST(AddressSet, MistakesAreNamed) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "/8",
                           "10.0.0.0/-1", "localhost", "10.0.0.0/8 ", "010.0.0.0/8"}) {
    const auto block = parse_block_or_address(text);
    ASSERT_FALSE(block) << text;
    EXPECT_NE(block.error().message.find("neither an address nor a block"), std::string::npos);
  }
}

}  // namespace
}  // namespace cusp::edge
