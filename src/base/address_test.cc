#include "base/address.h"

#include <gtest/gtest.h>

namespace cusp {
namespace {

TEST(Address, PrivateRangesOfEveryKindAreKnown) {
  for (std::string_view address : {"0.0.0.0",
                                   "10.1.2.3",
                                   "100.64.0.1",
                                   "100.127.255.255",
                                   "127.0.0.1",
                                   "127.255.0.1",
                                   "169.254.169.254",
                                   "172.16.0.1",
                                   "172.31.255.255",
                                   "192.0.0.8",
                                   "192.0.2.1",
                                   "192.88.99.1",
                                   "192.168.1.1",
                                   "198.18.0.1",
                                   "198.19.255.255",
                                   "198.51.100.7",
                                   "203.0.113.9",
                                   "224.0.0.1",
                                   "239.255.255.255",
                                   "240.0.0.1",
                                   "255.255.255.255",
                                   "::",
                                   "::1",
                                   "::ffff:10.0.0.1",
                                   "::ffff:127.0.0.1",
                                   "::ffff:a9fe:a9fe",
                                   "::7f00:1",
                                   "64:ff9b::10.0.0.1",
                                   "64:ff9b:1::1",
                                   "100::1",
                                   "2001::1",
                                   "2001:db8::1",
                                   "2002:0a00:0001::1",
                                   "2002:7f00:1::",
                                   "3fff::1",
                                   "5f00::1",
                                   "fc00::1",
                                   "fd12:3456::1",
                                   "fe80::1",
                                   "fe80::1%eth0",
                                   "fec0::1",
                                   "ff02::1",
                                   "[::1]"}) {
    EXPECT_TRUE(is_private_address(address)) << address;
  }
}

TEST(Address, PublicOnesAreNotPrivate) {
  for (std::string_view address :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
        "192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2606:4700::1111", "2001:4860::8888", "2002:0808:0808::1",
        "[2606:4700::1111]"}) {
    EXPECT_FALSE(is_private_address(address)) << address;
  }
}

TEST(Address, WhatIsNotAnAddressCountsAsPrivate) {
  for (std::string_view text :
       {"", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "010.0.0.1.", "1.2.3", "1.2.3.4.5",
        "1.2.3.256", ":", "[1.2.3.4]", "[::1", "::g", "8.8.8.8/32", "1:2:3:4:5:6:7:8:9"}) {
    EXPECT_FALSE(parse_address(text)) << text;
    EXPECT_TRUE(is_private_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string(1000, '1')));
}

TEST(Address, BlocksContainWhatSharesTheirPrefix) {
  struct Case {
    std::string_view block;
    std::string_view address;
    bool expected;
  };
  for (const auto& [text, address, expected] : {Case{"10.0.0.0/8", "10.255.0.1", true},
                                                {"10.0.0.0/8", "11.0.0.1", false},
                                                {"10.1.2.3/8", "10.9.9.9", true},
                                                {"192.168.4.0/22", "192.168.7.255", true},
                                                {"192.168.4.0/22", "192.168.8.0", false},
                                                {"1.2.3.4/32", "1.2.3.4", true},
                                                {"1.2.3.4/32", "1.2.3.5", false},
                                                {"0.0.0.0/0", "8.8.8.8", true},
                                                {"0.0.0.0/0", "2001::1", false},
                                                {"10.0.0.0/8", "::ffff:10.0.0.1", true},
                                                {"fd00::/8", "fd12::1", true},
                                                {"fd00::/9", "fd80::1", false},
                                                {"::/0", "1.1.1.1", true},
                                                {"[fd00::]/8", "fd00::1", true}}) {
    auto block = parse_address_block(text);
    ASSERT_TRUE(block) << text;
    EXPECT_EQ(block->contains(*parse_address(address)), expected) << text << " " << address;
  }
}

TEST(Address, MalformedBlocksAreRefused) {
  for (std::string_view text : {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                                "::/129", "10.0.0.0/8x", "x/8", "10.0.0/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(parse_address_block(text)) << text;
  }
}

}  // namespace
}  // namespace cusp
