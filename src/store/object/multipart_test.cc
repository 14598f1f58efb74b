#include "store/object/bucket.h"
#include "store/object/test_bucket.h"

namespace cusp::store::object {

namespace {

class ObjectUpload : public BucketTest {
 protected:
  Upload begin(std::optional<UploadChecksum> checksum = std::nullopt) {
    return *loop.run(bucket->begin_upload("a", {{"content-type", "x/y"}}, checksum));
  }
  // The entity tag; "": there is no such upload.
  std::string part(const std::string& id, uint32_t number, std::string_view bytes) {
    const auto part = loop.run(bucket->put_part("a", id, number, receive(bytes)));
    EXPECT_TRUE(part);
    return *part ? (*part)->etag : "";
  }
  // A part with the checksum that its upload wants.
  CompletedPart send(const Upload& upload, uint32_t number, std::string_view bytes) {
    auto incoming = bucket->receive(upload.algorithm());
    EXPECT_TRUE(loop.run(incoming.append(bytes)));
    auto received = loop.run(incoming.finish());
    const auto part = *loop.run(bucket->put_part("a", upload.id, number, std::move(*received)));
    return {number, part->etag, part->checksum->bytes};
  }
  Completion complete(const std::string& id, std::vector<CompletedPart> parts,
                      CompleteOptions options = {}) {
    auto done = loop.run(bucket->complete("a", id, std::move(parts), std::move(options), head));
    EXPECT_TRUE(done) << done.error().to_string();
    return *done;
  }

  const std::string five = std::string(limits::kObjectPartBytesMin, '5');
  Head head;
};

TEST_F(ObjectUpload, ItsPartsBecomeOneObjectWithoutACopy) {
  const Upload upload = begin(UploadChecksum{Algorithm::kCrc32});
  const auto second = send(upload, 2, "tail");
  const auto first = send(upload, 1, five);
  EXPECT_EQ(get("a"), "nothing");
  ASSERT_EQ(complete(upload.id, {first, second}), Completion::kDone);
  EXPECT_EQ(head.etag.substr(32), "-2");
  EXPECT_EQ(head.size, five.size() + 4);
  EXPECT_EQ(head.checksum->parts, 2);
  open();
  EXPECT_TRUE(get("a") == five + "tail");
  auto object = std::move(**loop.run(bucket->get("a")));
  EXPECT_EQ(object.head().fields, (FieldList{{"content-type", "x/y"}}));
  EXPECT_EQ(read(object, five.size() - 2, 4), "55ta");
  EXPECT_EQ(contents(), 2);
  EXPECT_FALSE(*loop.run(bucket->upload("a", upload.id)));
}

TEST_F(ObjectUpload, ItsObjectHasTheChecksumOfTheContentWhereThatIsAskedFor) {
  for (const Algorithm algorithm : {Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kCrc64Nvme}) {
    const Upload upload = begin(UploadChecksum{algorithm, false});
    std::vector parts{send(upload, 1, five), send(upload, 2, five + "6"), send(upload, 7, "tail")};
    const std::string whole = checksum(algorithm, five + five + "6tail");
    auto other = parts;
    other[1].checksum = other[0].checksum;
    EXPECT_EQ(complete(upload.id, other), Completion::kInvalidPart);
    EXPECT_EQ(complete(upload.id, parts, {.checksum = Checksum{algorithm, parts[0].checksum}}),
              Completion::kWrongChecksum);
    EXPECT_EQ(complete(upload.id, parts, {.checksum = Checksum{Algorithm::kSha256, whole}}),
              Completion::kWrongChecksum);
    EXPECT_EQ(complete(upload.id, parts, {.size = 5}), Completion::kWrongSize);
    ASSERT_EQ(complete(upload.id, parts,
                       {.checksum = Checksum{algorithm, whole}, .size = 2 * five.size() + 5}),
              Completion::kDone);
    EXPECT_EQ(head.checksum, (Checksum{algorithm, whole}));
    open();
    EXPECT_EQ((*loop.run(bucket->head("a")))->checksum, head.checksum);
  }
}

TEST_F(ObjectUpload, APartWithoutTheUploadsChecksumIsRefused) {
  const Upload upload = begin(UploadChecksum{Algorithm::kCrc32});
  const auto put = loop.run(bucket->put_part("a", upload.id, 1, receive("bytes")));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ObjectUpload, OfAnObjectThatIsDeletedNothingIsLeft) {
  const Upload upload = begin();
  const auto first = part(upload.id, 1, five);
  const auto same = part(upload.id, 2, five);
  part(upload.id, 3, "sent and not named");
  ASSERT_EQ(complete(upload.id, {{1, first}, {2, same}}), Completion::kDone);
  EXPECT_EQ(contents(), 1) << "the third part is gone";
  EXPECT_TRUE(get("a") == five + five);
  ASSERT_TRUE(*loop.run(bucket->remove("a")));
  EXPECT_EQ(contents(), 0);
}

TEST_F(ObjectUpload, APartThatIsSentAgainTakesTheOthersPlace) {
  const Upload upload = begin();
  const auto before = part(upload.id, 1, "before");
  const auto after = part(upload.id, 1, "after");
  EXPECT_EQ(contents(), 1);
  EXPECT_EQ(complete(upload.id, {{1, before}}), Completion::kInvalidPart);
  EXPECT_EQ(complete(upload.id, {{1, after}}), Completion::kDone);
  EXPECT_EQ(get("a"), "after");
}

TEST_F(ObjectUpload, ThatIsAbortedLeavesNothing) {
  const Upload upload = begin();
  part(upload.id, 1, "one");
  part(upload.id, 9999, "two");
  EXPECT_TRUE(*loop.run(bucket->abort("a", upload.id)));
  EXPECT_EQ(contents(), 0);
  EXPECT_FALSE(*loop.run(bucket->abort("a", upload.id)));
  EXPECT_EQ(part(upload.id, 1, "late"), "");
  EXPECT_EQ(complete(upload.id, {{1, "x"}}), Completion::kNoUpload);
  EXPECT_EQ(objects->sweep().value_or(99), 1) << "the late one";
}

TEST_F(ObjectUpload, ThatNobodyCompletesIsGoneAfterAWeekWithItsParts) {
  const Upload upload = begin();
  part(upload.id, 1, "part");
  now = now.load() + std::chrono::days(6);
  EXPECT_EQ(objects->sweep().value_or(99), 0U);
  EXPECT_TRUE(loop.run(bucket->upload("a", upload.id))->has_value());
  now = now.load() + std::chrono::days(1);
  EXPECT_FALSE(loop.run(bucket->upload("a", upload.id))->has_value());
  EXPECT_EQ(part(upload.id, 2, "late"), "");
  EXPECT_EQ(contents(), 2);
  EXPECT_EQ(objects->sweep().value_or(99), 2U) << "the late one, too";
}

TEST_F(ObjectUpload, WrongListsOfPartsAreToldApart) {
  const Upload upload = begin();
  const auto small = part(upload.id, 1, "small");
  const auto second = part(upload.id, 2, "x");
  EXPECT_EQ(complete(upload.id, {}), Completion::kInvalidPart);
  EXPECT_EQ(complete(upload.id, {{3, second}}), Completion::kInvalidPart);
  EXPECT_EQ(complete(upload.id, {{1, second}}), Completion::kInvalidPart);
  EXPECT_EQ(complete(upload.id, {{2, second}, {1, small}}), Completion::kInvalidOrder);
  EXPECT_EQ(complete(upload.id, {{1, small}, {1, small}}), Completion::kInvalidOrder);
  EXPECT_EQ(complete(upload.id, {{1, small}, {2, second}}), Completion::kPartTooSmall);
  EXPECT_EQ(complete(upload.id, {{1, small}}), Completion::kDone);
}

TEST_F(ObjectUpload, APartNumberOutOfRangeOrAForeignIdIsRefused) {
  const Upload upload = begin();
  for (const uint32_t number : {0U, 10'001U, 4'000'000'000U}) {
    EXPECT_FALSE(loop.run(bucket->put_part("a", upload.id, number, receive("x"))));
  }
  for (const std::string& id :
       {std::string(), std::string("../.."), std::string(32, 'g'), std::string(32, '0'),
        upload.id + "0", upload.id.substr(1), std::string(32, '\0')}) {
    EXPECT_EQ(part(id, 1, "x"), "");
    EXPECT_EQ(complete(id, {{1, "x"}}), Completion::kNoUpload);
    EXPECT_FALSE(*loop.run(bucket->abort("a", id)));
  }
  const auto elsewhere = loop.run(bucket->put_part("b", upload.id, 1, receive("x")));
  ASSERT_TRUE(elsewhere);
  EXPECT_FALSE(*elsewhere) << "the upload of another key";
}

TEST_F(ObjectUpload, OfTwoWhoCompleteItAtOnceOneSucceeds) {
  const Upload upload = begin();
  const auto tag = part(upload.id, 1, "x");
  std::vector<std::optional<Result<Completion>>> results(8);
  std::vector<Head> heads(results.size());
  for (size_t at = 0; at < results.size(); ++at) {
    loop.start(bucket->complete("a", upload.id, {{1, tag}}, {}, heads[at]), results[at]);
  }
  loop.finish();
  size_t done = 0;
  for (const auto& result : results) done += **result == Completion::kDone ? 1 : 0;
  EXPECT_EQ(done, 1);
  EXPECT_EQ(get("a"), "x");
  ASSERT_TRUE(*loop.run(bucket->remove("a")));
  EXPECT_EQ(contents(), 0);
}

TEST_F(ObjectUpload, AConditionThatIsNotMetKeepsTheUpload) {
  const Upload upload = begin();
  const auto tag = part(upload.id, 1, "part");
  put("a", "there");
  const Condition absent = [](const Head* present) { return present == nullptr; };
  EXPECT_EQ(complete(upload.id, {{1, tag}}, {.condition = absent}), Completion::kConditionNotMet);
  EXPECT_EQ(get("a"), "there");
  EXPECT_EQ(complete(upload.id, {{1, tag}}), Completion::kDone);
  EXPECT_EQ(get("a"), "part");
  EXPECT_EQ(contents(), 1);
}

TEST_F(ObjectUpload, UploadsAndPartsAreListedInOrder) {
  const Upload upload = begin();
  part(upload.id, 10, "ten");
  part(upload.id, 2, "two");
  const auto parts = loop.run(bucket->parts("a", upload.id, 0, 1000));
  ASSERT_EQ(parts->size(), 2);
  EXPECT_EQ(parts->at(0).number, 2);
  EXPECT_EQ(parts->at(1).content.size, 3);
  EXPECT_EQ(loop.run(bucket->parts("a", upload.id, 2, 1000))->at(0).number, 10);
  ASSERT_TRUE(loop.run(bucket->begin_upload("b", {}, {})));
  const auto uploads = loop.run(bucket->uploads("", 1000));
  ASSERT_EQ(uploads->size(), 2);
  EXPECT_EQ(uploads->at(0).id, upload.id);
  EXPECT_EQ(uploads->at(1).key, "b");
  EXPECT_EQ(loop.run(bucket->uploads("b", 1000))->size(), 1);
}

}  // namespace

}  // namespace cusp::store::object
