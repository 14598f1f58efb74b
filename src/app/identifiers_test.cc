#include "app/identifiers.h"

#include <gtest/gtest.h>

namespace cusp::app {
namespace {

using Check = std::string (*)(std::string_view);

void expect_sound(Check check, std::initializer_list<std::string_view> texts) {
  for (std::string_view text : texts) EXPECT_EQ(check(text), "") << text;
}
void expect_problem(Check check, std::initializer_list<std::string_view> texts) {
  for (std::string_view text : texts) EXPECT_NE(check(text), "") << text;
}

TEST(Identifiers, ComponentIdsAreKebabCase) {
  expect_sound(check_kebab_id, {"a", "my-app", "API-v2", "x1-y2"});
  expect_problem(check_kebab_id, {"", "-a", "a-", "a--b", "1a", "a-1", "a_b", "aB", "a b", "é"});
}

TEST(Identifiers, VariableNamesAreLowerSnakeCase) {
  expect_sound(check_variable_name, {"a", "api_host", "a1", "a_1"});
  expect_problem(check_variable_name, {"", "_a", "a_", "a__b", "1a", "A", "a-b", "bad+name"});
}

TEST(Identifiers, StoreLabelsAreKebabOrSnakeCase) {
  expect_sound(check_store_label, {"default", "my-store", "my_store"});
  expect_problem(check_store_label, {"", "my store", "my-new_store", "1"});
}

TEST(Identifiers, DependencyNamesAreImportsWithOrWithoutVersion) {
  expect_sound(check_dependency_name, {"plain-name", "foo:bar", "foo:bar@0.1.0", "foo:bar/baz",
                                       "foo:bar/baz@1.2.3-rc.1", "foo:bar@1.0.0+b"});
  expect_problem(check_dependency_name,
                 {"", ":", "foo:", ":bar", "foo/bar", "foo:bar/", "foo:bar@", "foo:bar@1",
                  "foo:bar@1.2.", "foo:bar@1.2.x", "foo:bar@1.2.3-", "foo:b_r", "foo:bar/baz/qux"});
}

TEST(Identifiers, DigestsAreSha256InHexadecimal) {
  std::string hex(64, 'a');
  expect_sound(check_sha256_digest, {"sha256:" + hex});
  expect_problem(check_sha256_digest, {"", hex, "sha256:", "sha256:" + hex + "a", "md5:" + hex,
                                       "sha256:" + std::string(64, 'g')});
}

TEST(Identifiers, HostPatternsAreNamesWithAtMostALeadingWildcard) {
  expect_sound(check_host_pattern, {"example.com", "*.example.com", "localhost", "a_b.c"});
  expect_problem(check_host_pattern, {"", "*", "*.", ".", "a..b", "a.", "*.*.b", "a:80", "http://a",
                                      "a/b", "a b", std::string(300, 'a')});
}

}  // namespace
}  // namespace cusp::app
