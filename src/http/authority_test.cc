#include "http/authority.h"

#include <gtest/gtest.h>

namespace cusp::http {
namespace {

TEST(Authority, IsAHostWithOrWithoutAPort) {
  for (const std::string_view text :
       {"x", "shop.example", "a_b.example", "192.0.2.1", "x:80", "x:0", "x:65535", "x:", "[::1]",
        "[2001:db8::1]:8443", "%41.example", "xn--bcher-kva.example", "a!$&'()*+;=~.example"}) {
    EXPECT_TRUE(valid_authority(text)) << text;
  }
}

TEST(Authority, IsNothingElse) {
  for (const std::string_view text : {"",        ":80",    "x:port",  "x:+80",  "x:-1",
                                      "x:65536", "x:8 0",  "x:80:90", "x:80x",  "user@x",
                                      "x/path",  "x?q",    "x#f",     "x\\y",   "x y",
                                      "x,y",     "[::1",   "::1",     "[]",     "[::1]80",
                                      "[::1]:x", "[g::1]", "x]",      "x[::1]", "\xc3\xa9.example",
                                      "x\x7f",   "x\t",    "\"x\"",   "<x>"}) {
    EXPECT_FALSE(valid_authority(text)) << text;
  }
  EXPECT_FALSE(valid_authority(std::string_view("x\0y", 3)));
}

}  // namespace
}  // namespace cusp::http
