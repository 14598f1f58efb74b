#include "edge/cache/validation.h"

#include <gtest/gtest.h>

#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

using testing::FieldList;
using testing::kStart;

http::Fields fields(const FieldList& list) {
  http::Fields out;
  for (const auto& [name, value] : list) out.add(name, value);
  return out;
}

Object object_with(const FieldList& list, uint16_t status = 200) {
  Object object;
  object.status = status;
  object.fields = fields(list);
  return object;
}

bool is_304(const FieldList& request, const FieldList& stored, uint16_t status = 200) {
  return is_not_modified(fields(request), object_with(stored, status), kStart);
}

const char* const kOld = "Sun, 06 Nov 1994 08:49:37 GMT";
const char* const kNew = "Sun, 06 Nov 2005 08:49:37 GMT";

TEST(Validation, EntityTagsAreComparedWeakly) {
  EXPECT_TRUE(is_304({{"if-none-match", "\"a\""}}, {{"etag", "\"a\""}}));
  EXPECT_TRUE(is_304({{"if-none-match", "\"x, y\" , W/\"a\""}}, {{"etag", "\"a\""}}));
  EXPECT_TRUE(is_304({{"if-none-match", "*"}}, {}));
  EXPECT_TRUE(
      is_304({{"if-none-match", "\"b\""}, {"if-none-match", "\"a\""}}, {{"etag", "\"a\""}}));
  EXPECT_FALSE(is_304({{"if-none-match", "\"A\""}}, {{"etag", "\"a\""}}));
  EXPECT_FALSE(is_304({{"if-none-match", "\"a\""}}, {}));
  EXPECT_FALSE(is_304({{"if-none-match", ""}}, {{"etag", "\"\""}}));
  EXPECT_FALSE(is_304({{"if-none-match", "\"a"}}, {{"etag", "\"a\""}}));
  EXPECT_FALSE(is_304({{"if-none-match", "\"a\""}}, {{"etag", "\"a\""}}, 404));
}

TEST(Validation, TagsCountBeforeDates) {
  EXPECT_FALSE(is_304({{"if-none-match", "\"b\""}, {"if-modified-since", kNew}},
                      {{"etag", "\"a\""}, {"last-modified", kOld}}));
  EXPECT_TRUE(is_304({{"if-modified-since", kNew}}, {{"last-modified", kOld}}));
  EXPECT_TRUE(is_304({{"if-modified-since", kOld}}, {{"last-modified", kOld}}));
  EXPECT_FALSE(is_304({{"if-modified-since", kOld}}, {{"last-modified", kNew}}));
  EXPECT_TRUE(is_304({{"if-modified-since", kNew}}, {{"date", kOld}}));
  EXPECT_FALSE(is_304({{"if-modified-since", "soon"}}, {{"last-modified", kOld}}));
  EXPECT_FALSE(is_304({{"if-modified-since", kNew}}, {{"last-modified", "never"}, {"date", kOld}}));
}

TEST(Validation, IfRangeWantsAStrongMatch) {
  const auto counts = [](const char* condition, const FieldList& stored) {
    return range_counts(fields({{"if-range", condition}}), object_with(stored), kStart);
  };
  EXPECT_TRUE(counts("\"a\"", {{"etag", "\"a\""}}));
  EXPECT_FALSE(counts("W/\"a\"", {{"etag", "W/\"a\""}}));
  EXPECT_FALSE(counts("\"a\"", {}));
  EXPECT_TRUE(counts(kOld, {{"last-modified", kOld}, {"date", kNew}}));
  EXPECT_FALSE(counts(kOld, {{"last-modified", kOld}, {"date", kOld}}));
  EXPECT_FALSE(counts(kNew, {{"last-modified", kOld}, {"date", kNew}}));
}

TEST(Validation, TheOriginIsAskedWithWhatIsStored) {
  http::Fields request = fields({{"if-none-match", "\"client\""}, {"if-range", "x"}, {"a", "b"}});
  remove_conditions(request);
  EXPECT_EQ(request.size(), 1U);
  EXPECT_FALSE(add_validators(request, object_with({})));
  EXPECT_TRUE(add_validators(request, object_with({{"etag", "W/\"a\""}, {"last-modified", kOld}})));
  EXPECT_EQ(request.get("if-none-match"), "W/\"a\"");
  EXPECT_EQ(request.get("if-modified-since"), kOld);
}

TEST(Validation, A304ReplacesFieldsButNotThoseOfTheBytes) {
  const auto fresh = freshened_fields(fields({{"a", "1"},
                                              {"a", "2"},
                                              {"b", "3"},
                                              {"etag", "\"x\""},
                                              {"content-encoding", "gzip"},
                                              {"set-cookie", "old"}}),
                                      fields({{"a", "4"},
                                              {"etag", "\"y\""},
                                              {"content-length", "9"},
                                              {"content-encoding", "br"},
                                              {"set-cookie", "new"}}));
  EXPECT_EQ(fresh.get_all("a"), "4");
  EXPECT_EQ(fresh.get("b"), "3");
  EXPECT_EQ(fresh.get("etag"), "\"x\"");
  EXPECT_EQ(fresh.get("content-encoding"), "gzip");
  EXPECT_EQ(fresh.get_all("set-cookie"), "new");
  EXPECT_FALSE(fresh.get("content-length"));
}

TEST(Validation, FieldsOfTheConnectionAreNotStored) {
  const auto stored = stored_fields(fields({{"connection", "a, close"},
                                            {"a", "1"},
                                            {"keep-alive", "x"},
                                            {"te", "x"},
                                            {"proxy-authenticate", "x"},
                                            {"transfer-encoding", "x"},
                                            {"upgrade", "x"},
                                            {"age", "5"},
                                            {"secret", "x"},
                                            {"b", "2"},
                                            {"date", "foo"}}),
                                    {"secret"}, kStart);
  EXPECT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored.get("b"), "2");
  EXPECT_EQ(stored.get("date"), "Mon, 23 Nov 2026 05:00:00 GMT");
}

}  // namespace

}  // namespace cusp::edge::cache
