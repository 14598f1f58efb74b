#include "edge/cache/disk.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "edge/cache/object_codec.h"
#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

namespace fs = std::filesystem;
using testing::kStart;

using namespace std::chrono_literals;

std::shared_ptr<Object> make_object(const std::string& key, std::string body) {
  auto object = std::make_shared<Object>();
  object->key = key;
  object->url = "https://example.com/" + key;
  object->name_space = "shop";
  object->variance.choices = {{"accept", "x"}, {"b", std::nullopt}};
  object->fields.add("etag", "\"v1\"");
  object->fields.add("set-cookie", "a");
  object->fields.add("set-cookie", "b");
  object->freshness = {.received = kStart, .initial_age = 5s, .lifetime = 60s};
  object->tags = {"t"};
  object->content.append(std::make_shared<const std::string>(std::move(body)));
  return object;
}

class DiskTest : public ::testing::Test {
 protected:
  DiskTest() { fs::create_directories(directory); }
  ~DiskTest() override {
    disk.reset();
    fs::remove_all(directory);
  }

  void open(uint64_t bytes_max = 1 << 20) {
    disk.reset();
    auto opened = Disk::open(directory, bytes_max);
    ASSERT_TRUE(opened) << opened.error().to_string();
    disk = std::move(*opened);
    disk->settle();
  }
  ObjectPtr load(const std::string& key) {
    const auto objects = loop.run(disk->load(key, kStart));
    return objects.empty() ? nullptr : objects.front();
  }
  std::vector<fs::path> files() {
    std::vector<fs::path> found;
    for (const auto& at : fs::recursive_directory_iterator(directory))
      if (at.path().extension() == ".obj") found.push_back(at.path());
    return found;
  }

  const std::string directory =
      fs::temp_directory_path() / ("cusp-disk-test-" + std::to_string(::getpid()));
  http::testing::TestClient loop;
  std::unique_ptr<Disk> disk;
};

TEST_F(DiskTest, WhatIsWrittenIsThereAfterARestart) {
  open();
  disk->write(make_object("a", std::string(200'000, 'x')));
  open();
  EXPECT_TRUE(disk->may_have("a"));
  EXPECT_FALSE(disk->may_have("b"));
  const ObjectPtr object = load("a");
  ASSERT_TRUE(object);
  const auto original = make_object("a", std::string(200'000, 'x'));
  EXPECT_EQ(encode_meta(*object), encode_meta(*original));
  EXPECT_EQ(digest_of(object->content), digest_of(original->content));
  EXPECT_EQ(object->fields.get_all("set-cookie"), "a, b");
}

TEST_F(DiskTest, TwoProcessesCannotHaveOneDirectory) {
  open();
  const auto second = Disk::open(directory, 1 << 20);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(Disk::open("/proc/nowhere", 1 << 20));
}

TEST_F(DiskTest, AFlippedBitAnywhereIsAMiss) {
  open();
  disk->write(make_object("a", "some body"));
  disk->settle();
  const std::string path = files().at(0);
  const std::string good = *read_file(path);
  for (size_t at = 0; at < good.size(); ++at) {
    // The soft mark and its padding carry no digest: a flip there makes it stale, never wrong.
    if (at >= FileHeader::kSoftAt && at < FileHeader::kSoftAt + 8) continue;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_TRUE(write_file(path, bad));
    open();
    EXPECT_EQ(load("a"), nullptr) << at;
    EXPECT_GT(disk->errors(), 0U);
    EXPECT_TRUE(files().empty());
  }
}

TEST_F(DiskTest, HalfAFileOrMoreThanOneIsAMiss) {
  open();
  disk->write(make_object("a", std::string(1000, 'x')));
  disk->settle();
  const std::string path = files().at(0);
  const std::string good = *read_file(path);
  for (const std::string& bad : {std::string(), good.substr(0, 50), good.substr(0, 100),
                                 good.substr(0, good.size() - 1), good + "x", good + good}) {
    ASSERT_TRUE(write_file(path, bad));
    open();
    EXPECT_EQ(load("a"), nullptr) << bad.size();
  }
}

TEST_F(DiskTest, AFileThatSpoilsWhileItIsOpenIsAMiss) {
  open();
  disk->write(make_object("a", "some body"));
  disk->settle();
  std::ofstream(files().at(0), std::ios::trunc) << "nothing";
  EXPECT_EQ(load("a"), nullptr);
  EXPECT_FALSE(disk->may_have("a"));
}

TEST_F(DiskTest, AFileUnderAnotherNameIsNotBelieved) {
  open();
  disk->write(make_object("a", "for a"));
  disk->write(make_object("b", "for b"));
  disk->settle();
  const auto found = files();
  const std::string first = *read_file(found.at(0));
  ASSERT_TRUE(write_file(found.at(1), first));
  open();
  for (const char* key : {"a", "b"}) {
    if (const ObjectPtr object = load(key)) EXPECT_EQ(object->key, key);
  }
  EXPECT_EQ(disk->objects(), 1U);
}

TEST_F(DiskTest, NeverHoldsMoreThanItMayAndKeepsWhatIsRead) {
  open(100'000);
  for (int i = 0; i < 50; ++i) {
    disk->write(make_object(std::to_string(i), std::string(5000, 'x')));
    disk->settle();
    if (i >= 1) EXPECT_TRUE(load("0")) << i;
    EXPECT_LE(disk->bytes(), 100'000U);
  }
  EXPECT_FALSE(disk->may_have("1"));
  EXPECT_EQ(files().size(), disk->objects());
}

TEST_F(DiskTest, PurgesHoldAcrossARestart) {
  open();
  for (const char* key : {"a", "b", "c"}) disk->write(make_object(key, "x"));
  disk->settle();
  EXPECT_EQ(disk->purge({.what = Purge::What::kUrl, .value = "https://example.com/a"}), 1U);
  EXPECT_EQ(
      disk->purge({.what = Purge::What::kUrl, .value = "https://example.com/b", .soft = true}), 1U);
  EXPECT_EQ(disk->purge({.what = Purge::What::kTag, .value = "other"}), 0U);
  open();
  EXPECT_FALSE(load("a"));
  EXPECT_LE(load("b")->freshness.left(kStart), 0ms);
  EXPECT_GT(load("c")->freshness.left(kStart), 0ms);
  EXPECT_EQ(disk->purge({.what = Purge::What::kEverything, .name_space = "shop"}), 2U);
  EXPECT_TRUE(files().empty());
}

class CacheOnDiskTest : public testing::CacheTest {
 protected:
  ~CacheOnDiskTest() override {
    cache.reset();
    fs::remove_all(directory);
  }
  void wait_for_disk() {
    for (int tries = 0; tries < 500 && cache->stats().disk_objects == 0; ++tries) ::usleep(10'000);
  }
  const std::string directory =
      fs::temp_directory_path() / ("cusp-cache-test-" + std::to_string(::getpid()));
};

TEST_F(CacheOnDiskTest, ResponsesSurviveARestartAndGrowOlderMeanwhile) {
  open({.disk_directory = directory});
  answers(200, {{"cache-control", "max-age=60"}, {"vary", "a"}});
  get({{"a", "1"}});
  open({.disk_directory = directory});
  pass_time(10s);
  wait_for_disk();  // the index is read behind the first requests
  const auto got = get({{"a", "1"}});
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.field("age"), "10");
  EXPECT_EQ(got.body, "body");
  EXPECT_FALSE(get({{"a", "2"}}).status.hit);
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(CacheOnDiskTest, WhatIsTooLargeForMemoryLiesOnDisk) {
  open({.memory_bytes_max = 100'000, .disk_directory = directory});
  answers(200, {{"cache-control", "max-age=60"}}, std::string(80'000, 'x'));
  EXPECT_TRUE(get().status.stored);
  wait_for_disk();
  EXPECT_EQ(cache->stats().memory_objects, 0U);
  const auto got = get();
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.body->size(), 80'000U);
}

TEST_F(CacheOnDiskTest, WhatLiesOnDiskIsFreshenedThere) {
  open({.memory_bytes_max = 100'000, .disk_directory = directory});
  answers([](http::Request& request) {
    if (request.fields.get("if-none-match"))
      return testing::make_response(304, {{"cache-control", "max-age=60"}}, "");
    return testing::make_response(200, {{"cache-control", "max-age=10"}, {"etag", "\"v1\""}},
                                  std::string(80'000, 'x'));
  });
  get();
  wait_for_disk();
  pass_time(20s);
  EXPECT_EQ(get().status.forward_status, 304);
  testing::Got got;
  for (int tries = 0; tries < 500 && !got.status.hit; ++tries) {
    ::usleep(10'000);
    got = get();
  }
  EXPECT_TRUE(got.status.hit);
  EXPECT_EQ(got.body->size(), 80'000U);
}

}  // namespace

}  // namespace cusp::edge::cache
