#include "cli/object_files.h"

#include <gtest/gtest.h>

namespace cusp::cli {

namespace {

TEST(ExportPath, HasTheKeysSegmentsBelowTheFolder) {
  EXPECT_EQ(*export_path("/to", "a"), "/to/a");
  EXPECT_EQ(*export_path("/to", "a/.b/c..d/..."), "/to/a/.b/c..d/...");
}

TEST(ExportPath, OfAKeyThatWouldLeadElsewhereIsRefused) {
  for (const char* key :
       {"..", "../a", "a/../../b", "a/..", "/etc/passwd", "a//b", "a/", ".", "./a", "a/./b", "/"}) {
    EXPECT_FALSE(export_path("/to", key)) << key;
  }
}

}  // namespace

}  // namespace cusp::cli
