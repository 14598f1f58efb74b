#include "store/object/bucket.h"

#include "base/file.h"
#include "store/object/test_bucket.h"

namespace cusp::store::object {

namespace {

namespace fs = std::filesystem;

using ObjectBucket = BucketTest;

const Condition kAbsent = [](const Head* present) { return present == nullptr; };

TEST_F(ObjectBucket, WhatIsPutIsReadWithAllThatWasSaidAboutIt) {
  const Head put =
      this->put("a/b.txt", "hello", {.fields = {{"content-type", "text/plain"}, {"x", "\xE4"}}});
  EXPECT_EQ(put.etag, "5d41402abc4b2a76b9719d911017c592");
  open();
  EXPECT_EQ(get("a/b.txt"), "hello");
  const auto head = loop.run(bucket->head("a/b.txt"));
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->size, 5);
  EXPECT_EQ((*head)->etag, put.etag);
  EXPECT_EQ((*head)->modified, now.load());
  EXPECT_EQ((*head)->fields, put.fields);
  EXPECT_EQ(get("a/b"), "nothing");
}

TEST_F(ObjectBucket, AnEmptyObjectAndOneOfManyBlocksAreWhole) {
  put("empty", "");
  EXPECT_EQ(get("empty"), "");
  std::string big(3 * limits::kMiB + 17, '\0');
  for (size_t at = 0; at < big.size(); ++at) big[at] = static_cast<char>(at * 7 + at / 999);
  put("big", big);
  EXPECT_TRUE(get("big") == big);
  auto object = std::move(**loop.run(bucket->get("big")));
  EXPECT_TRUE(read(object, limits::kMiB - 3, 9) == big.substr(limits::kMiB - 3, 9));
  EXPECT_EQ(read(object, big.size(), 9), "");
}

TEST_F(ObjectBucket, BucketsOfOneNameAreApartForEachApp) {
  put("a", "1");
  bucket = *objects->bucket({"app2", "default"});
  EXPECT_EQ(get("a"), "nothing");
  EXPECT_EQ(list({}), "|");
}

TEST_F(ObjectBucket, ThoseThatHoldSomethingAreListed) {
  EXPECT_TRUE(loop.run(objects->buckets())->empty());
  put("a", "1");
  put("\xF4\x8F\xBF\xBF", "the last key that there can be");
  const std::vector<kv::StoreName> others{{"app", "default.x"}, {"app.b", "c"}, {"b", "c"}};
  for (const auto& name : others) {
    bucket = *objects->bucket(name);
    put("a", "1");
  }
  EXPECT_EQ(*loop.run(objects->buckets()),
            (std::vector<kv::StoreName>{{"app", "default"}, others[0], others[1], others[2]}));
}

TEST_F(ObjectBucket, AContentIsKeptOnceAndAsLongAsSomethingRefersToIt) {
  put("a", "same");
  put("b", "same");
  EXPECT_EQ(contents(), 1);
  ASSERT_TRUE(*loop.run(bucket->remove("a")));
  EXPECT_EQ(get("b"), "same");
  put("b", "other");
  EXPECT_EQ(contents(), 1);
  EXPECT_EQ(get("b"), "other");
  put("b", "other");
  EXPECT_EQ(get("b"), "other") << "written over with itself";
  ASSERT_TRUE(*loop.run(bucket->remove("b")));
  EXPECT_EQ(contents(), 0);
  put("c", "same");
  EXPECT_EQ(get("c"), "same") << "counted anew";
  EXPECT_TRUE(*loop.run(bucket->remove("not there")));
}

TEST_F(ObjectBucket, ACopyHasTheContentAndFieldsOfItsOwn) {
  put("a", "text", {.fields = {{"content-type", "a/b"}}});
  {
    auto source = std::move(**loop.run(bucket->get("a")));
    const auto copied = loop.run(bucket->copy(source, "b", {.fields = {{"content-type", "c/d"}}}));
    ASSERT_TRUE(copied && *copied);
    EXPECT_EQ((*copied)->fields, (FieldList{{"content-type", "c/d"}}));
  }
  EXPECT_EQ(contents(), 1);
  ASSERT_TRUE(*loop.run(bucket->remove("a")));
  EXPECT_EQ(get("b"), "text");
}

TEST_F(ObjectBucket, WhatIsBeingReadIsReadToItsEndAndThenRemoved) {
  put("a", "first");
  auto object = loop.run(bucket->get("a"));
  put("a", "second");
  EXPECT_EQ(read(**object), "first");
  object->reset();
  put("b", "third");
  ASSERT_TRUE(*loop.run(bucket->remove("b")));
  EXPECT_EQ(contents(), 1) << "a later removal takes what was being read";
  EXPECT_EQ(get("a"), "second");
}

TEST_F(ObjectBucket, AConditionDecidesOverPutAndRemove) {
  ASSERT_TRUE(*try_put("a", "1", {.condition = kAbsent}));
  const auto refused = try_put("a", "2", {.condition = kAbsent});
  ASSERT_TRUE(refused);
  EXPECT_FALSE(*refused);
  EXPECT_EQ(get("a"), "1");
  EXPECT_FALSE(*loop.run(bucket->remove("a", kAbsent)));
  EXPECT_EQ(get("a"), "1");
}

TEST_F(ObjectBucket, OfManyWhoPutOnConditionAtOnceOneSucceeds) {
  constexpr size_t kWriters = 20;
  std::vector<std::optional<Result<std::optional<Head>>>> results(kWriters);
  for (size_t at = 0; at < kWriters; ++at) {
    loop.start(bucket->put("a", receive(std::to_string(at)), {.condition = kAbsent}), results[at]);
  }
  loop.finish();
  size_t written = 0;
  for (const auto& result : results) written += *result && **result ? 1 : 0;
  EXPECT_EQ(written, 1);
  EXPECT_EQ(objects->sweep().value_or(99), kWriters - 1) << "the contents that were refused";
}

TEST_F(ObjectBucket, ManyWhoWriteOneObjectAtOnceLeaveOneContent) {
  constexpr size_t kWriters = 20;
  std::vector<std::optional<Result<std::optional<Head>>>> results(kWriters);
  for (size_t at = 0; at < kWriters; ++at) {
    loop.start(bucket->put("a", receive(std::to_string(at)), {}), results[at]);
  }
  loop.finish();
  for (const auto& result : results) EXPECT_TRUE(*result && **result);
  EXPECT_EQ(contents(), 1);
  EXPECT_NE(get("a"), "nothing");
}

TEST_F(ObjectBucket, AListGoesByPrefixDelimiterAndPages) {
  for (const char* key : {"a", "b/1", "b/2", "b/c/3", "b0", "d/", "e"}) put(key, "x");
  EXPECT_EQ(list({}), "a b/1 b/2 b/c/3 b0 d/ e |");
  EXPECT_EQ(list({.delimiter = "/"}), "a b0 e | b/ d/");
  EXPECT_EQ(list({.prefix = "b/", .delimiter = "/"}), "b/1 b/2 | b/c/");
  EXPECT_EQ(list({.prefix = "b"}), "b/1 b/2 b/c/3 b0 |");
  EXPECT_EQ(list({.prefix = "zz"}), "|");
  EXPECT_EQ(list({.after = "b/2", .limit = 2}), "b/c/3 b0 | …");
  EXPECT_EQ(list({.delimiter = "c/"}), "a b/1 b/2 b0 d/ e | b/c/");

  std::string all;
  ListOptions options{.delimiter = "/", .limit = 1};
  for (int page = 0; page < 9; ++page) {
    const auto listing = loop.run(bucket->list(options));
    for (const auto& head : listing->objects) all += head.key + " ";
    for (const auto& prefix : listing->prefixes) all += prefix + " ";
    if (!listing->next) break;
    options.after = *listing->next;
  }
  EXPECT_EQ(all, "a b/ b0 d/ e ");
}

TEST_F(ObjectBucket, AListSkipsAFolderOfManyObjects) {
  constexpr size_t kObjects = 2100;
  put("z", "x");
  const auto source = loop.run(bucket->get("z"));
  std::vector<std::optional<Result<std::optional<Head>>>> results(kObjects);
  for (size_t at = 0; at < kObjects; ++at) {
    loop.start(bucket->copy(**source, "m/" + std::to_string(at), {}), results[at]);
  }
  loop.finish();
  for (const auto& result : results) ASSERT_TRUE(*result && **result);
  EXPECT_EQ(list({.delimiter = "/"}), "z | m/");
}

TEST_F(ObjectBucket, AKeyOutsideTheRulesIsRefused) {
  const std::string longest(limits::kObjectKeyBytesMax, 'k');
  put(longest, "x");
  EXPECT_EQ(get(longest), "x");
  for (const std::string& key :
       {std::string(), longest + "k", std::string("a\0b", 3), std::string("\xFF"),
        std::string("\xC0\x80"), std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"),
        std::string("\xE2\x82")}) {
    const auto refused = try_put(key, "x");
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(get(key), "invalid_argument");
  }
}

TEST_F(ObjectBucket, FieldsBeyondTheLimitAreRefused) {
  const std::string most(limits::kObjectFieldsBytesMax, 'v');
  EXPECT_TRUE(try_put("a", "x", {.fields = {{"", most}}}));
  EXPECT_FALSE(try_put("a", "x", {.fields = {{"n", most}}}));
}

TEST_F(ObjectBucket, AFlippedBitOfAContentIsNeverReturned) {
  const Head head = put("a", "precious");
  const std::string path = folder.path() + "/objects/content/" +
                           head.contents[0].digest.substr(0, 2) + "/" + head.contents[0].digest;
  std::string bytes = *read_file(path);
  bytes.back() ^= 4;
  ASSERT_TRUE(write_file(path, bytes));
  EXPECT_EQ(get("a"), "data_loss");
  put("b", "precious");
  EXPECT_EQ(get("a"), "precious") << "writing it again mends it";
}

TEST_F(ObjectBucket, WhatIsNotNamedIsSweptAndWhatIsNamedIsNot) {
  put("a", "named");
  receive("never named");
  EXPECT_EQ(contents(), 2);
  EXPECT_EQ(objects->sweep().value_or(99), 1);
  EXPECT_EQ(get("a"), "named");
}

TEST_F(ObjectBucket, AfterCloseItAnswersThatItIsUnavailable) {
  put("a", "1");
  auto received = receive("2");
  objects->close();
  const auto refused = loop.run(bucket->put("a", std::move(received), {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(ObjectBucket, AChecksumIsKeptAsItWasAskedFor) {
  auto head = loop.run(bucket->put("a", receive("123456789", Algorithm::kCrc32c), {}));
  ASSERT_TRUE(head && *head);
  const auto kept = loop.run(bucket->head("a"));
  EXPECT_EQ((*kept)->checksum, (Checksum{Algorithm::kCrc32c, from_hex("e3069283")}));
  head = loop.run(bucket->put("a", receive("abc", Algorithm::kSha256), {}));
  EXPECT_EQ(hex((*head)->checksum->bytes), (*head)->contents[0].digest);
}

}  // namespace

}  // namespace cusp::store::object
