#include <gtest/gtest.h>

#include <thread>

#include "store/object/record.h"
#include "store/object/test_bucket.h"

// What expired uploads leave (the sweep of what crashes leave: bucket_test.cc, multipart_test.cc).
namespace cusp::store::object {

namespace {

class ObjectSweep : public BucketTest {
 protected:
  Upload begin_with_part(const std::string& key, std::string_view bytes) {
    Upload upload = *loop.run(bucket->begin_upload(key, {}));
    EXPECT_TRUE(*loop.run(bucket->put_part(key, upload.id, 1, receive(bytes))));
    return upload;
  }
  // Damages the record of a part while nobody has the folder.
  void damage(const Upload& upload) {
    bucket.reset();
    objects.reset();
    auto database = kv::Database::open({.directory = folder.path() + "/objects/index",
                                        .limits = {.key_bytes = limits::kKvAnyKeyBytesMax - 64}},
                                       pool);
    ASSERT_TRUE(database) << database.error().to_string();
    const auto index = *(*database)->store({"objects", "index"});
    const std::string key = part_key(std::string("app\0default\0", 12), upload.key, upload.id, 1);
    ASSERT_TRUE(index->get_blocking(key)->has_value());
    kv::Change change = kv::Change::set(key, "");
    change.metadata = "\xC1 no record";
    ASSERT_TRUE(index->write_blocking({change}));
  }
  // Whether so many contents are left, soon.
  bool left(size_t count) {
    for (int i = 0; i < 500 && contents() != count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return contents() == count;
  }
};

TEST_F(ObjectSweep, TakesThePartsOfExpiredUploadsWhileTheStoreIsOnlyRead) {
  begin_with_part("a", "part");
  put("kept", "kept");
  open(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(contents(), 2) << "an upload that has not expired";
  now = now.load() + limits::kObjectUploadAge;
  EXPECT_TRUE(left(1));
  EXPECT_EQ(get("kept"), "kept");
}

TEST_F(ObjectSweep, GoesOnBehindAPartThatCannotBeRead) {
  const Upload damaged = begin_with_part("a", "of the damaged record");
  begin_with_part("b", "behind it");
  damage(damaged);
  now = now.load() + limits::kObjectUploadAge;
  open();
  EXPECT_TRUE(left(1)) << "the other one";
  EXPECT_TRUE(objects->sweep());
  EXPECT_EQ(contents(), 1) << "what the damaged record refers to";
}

TEST_F(ObjectSweep, ThatWaitsForItsNextTimeKeepsNobodyFromClosing) {
  open(std::chrono::hours(24));
  const auto began = std::chrono::steady_clock::now();
  objects.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

}  // namespace

}  // namespace cusp::store::object
