#include "edge/cache/disk.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/file.h"
#include "edge/cache/content_body.h"
#include "edge/cache/file_content.h"
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
  // The whole content; nothing when it broke off.
  std::optional<std::string> body_of(const ObjectPtr& object) {
    http::Response response{.body = make_content_body(object)};
    return loop.read_all(response);
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

TEST_F(DiskTest, WhatIsWrittenWhileTheDirectoryIsLookedThroughIsKept) {
  // The more folders, the longer it is looked through.
  for (int i = 0; i < 256; ++i) fs::create_directories(fmt::format("{}/{:02x}", directory, i));
  for (int i = 0; i < 20; ++i) {
    disk.reset();
    disk = std::move(*Disk::open(directory, 1 << 20));
    const auto object = make_object(fmt::format("k{}", i), "body");
    const auto writer = disk->begin(*object);
    ASSERT_TRUE(loop.run(writer->append(object->content.blocks.front())));
    disk->settle();
    ASSERT_TRUE(loop.run(writer->commit(*object)));
    EXPECT_TRUE(load(object->key));
  }
}

TEST_F(DiskTest, WhatAnEarlierProcessDidNotFinishIsGone) {
  open();
  std::ofstream(directory + "/unfinished/00") << "half";
  open();
  EXPECT_TRUE(fs::is_empty(directory + "/unfinished"));
}

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
  EXPECT_EQ(body_of(object), std::string(200'000, 'x'));
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

// Bytes of which no two chunks are the same.
std::string varied(size_t size) {
  std::string text;
  for (uint64_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

constexpr size_t kLarge = 3 * limits::kMiB + 777;

TEST_F(DiskTest, LargeContentStaysOnDiskAndIsReadWhereItIsAskedFor) {
  open(1 << 23);
  const std::string text = varied(kLarge);
  auto written = make_object("a", text);
  written->trailers.emplace().add("x-sum", "1");
  disk->write(written);
  disk->settle();
  const ObjectPtr object = load("a");
  ASSERT_TRUE(object && object->file);
  EXPECT_TRUE(object->content.blocks.empty());
  EXPECT_LT(object->bytes(), 10'000U);
  http::Response whole{.body = make_content_body(object)};
  EXPECT_EQ(whole.body->size(), kLarge);
  http::Fields trailers;
  EXPECT_EQ(loop.read_all(whole, &trailers), text);
  EXPECT_EQ(trailers.get("x-sum"), "1");
  constexpr uint64_t kChunk = FileHeader::kChunkBytes;
  for (const ByteRange range :
       {ByteRange{0, 1}, ByteRange{kChunk - 1, kChunk + 1}, ByteRange{kChunk, 2 * kChunk},
        ByteRange{5, 3 * kChunk}, ByteRange{kLarge - 1, kLarge}}) {
    http::Response part{.body = make_content_body(object, range)};
    EXPECT_EQ(part.body->size(), range.size());
    EXPECT_EQ(loop.read_all(part), text.substr(range.first, range.size())) << range.first;
  }
}

TEST_F(DiskTest, AFlippedBitInLargeContentNeverReachesAReader) {
  open(1 << 23);
  const std::string text = varied(kLarge);
  for (const uint64_t at : {uint64_t{0}, FileHeader::kChunkBytes + 5, uint64_t{kLarge - 1}}) {
    disk->write(make_object("a", text));
    disk->settle();
    const ObjectPtr object = load("a");
    ASSERT_TRUE(object && object->file) << at;
    std::fstream file(files().at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(FileHeader::kBytes + at));
    file.put(static_cast<char>(text[at] ^ 1));
    file.close();
    std::string read;
    http::Response response{.body = make_content_body(object)};
    while (true) {
      const auto part = loop.read(response);
      if (!part) break;
      ASSERT_FALSE(part->end) << at;
      read += part->data;
    }
    EXPECT_EQ(read, text.substr(0, at / FileHeader::kChunkBytes * FileHeader::kChunkBytes));
    EXPECT_FALSE(disk->may_have("a")) << "what is spoilt is a miss from then on";
    EXPECT_TRUE(files().empty());
  }
  EXPECT_EQ(disk->errors(), 3U);
}

TEST_F(DiskTest, AFileThatIsRemovedIsReadToItsEnd) {
  open(1 << 23);
  const auto written = make_object("a", varied(kLarge));
  disk->write(written);
  disk->settle();
  const ObjectPtr object = load("a");
  disk->remove(*written);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(body_of(object), varied(kLarge));
}

TEST_F(DiskTest, WhatIsGivenUpWhileItIsWrittenLeavesNothing) {
  open(1 << 23);
  const auto object = make_object("a", "");
  const auto block = std::make_shared<const std::string>(varied(200'000));
  {
    const auto writer = disk->begin(*object);
    EXPECT_TRUE(loop.run(writer->append(block)));
    const auto other = disk->begin(*object);
    EXPECT_FALSE(loop.run(other->append(block))) << "one that writes is enough";
  }
  disk->settle();
  EXPECT_FALSE(disk->may_have("a"));
  size_t count = 0;
  for (const auto& at : fs::recursive_directory_iterator(directory))
    count += at.is_regular_file() && at.path().filename() != "lock";
  EXPECT_EQ(count, 0U);
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

// ---- objects that memory does not take

class LargeObjectTest : public CacheOnDiskTest {
 protected:
  LargeObjectTest() {
    open({.memory_bytes_max = limits::kMiB, .disk_directory = directory});
    answers([this](http::Request& request) {
      if (request.fields.get("if-none-match"))
        return testing::make_response(304, {{"cache-control", "max-age=60"}}, "");
      return testing::make_response(200, {{"cache-control", "max-age=60"}, {"etag", "\"v1\""}},
                                    text);
    });
  }
  fs::path file() {
    for (const auto& at : fs::recursive_directory_iterator(directory))
      if (at.path().extension() == ".obj") return at.path();
    return {};
  }
  const std::string text = varied(kLarge);
};

TEST_F(LargeObjectTest, IsWrittenAsItComesAndReadAsItIsAskedFor) {
  EXPECT_EQ(get().body, text);
  EXPECT_EQ(cache->stats().memory_objects, 0U);
  EXPECT_EQ(cache->stats().disk_objects, 1U);
  const auto again = get();
  EXPECT_TRUE(again.status.hit);
  EXPECT_EQ(again.body, text);
  const auto part = get({{"range", "bytes=70000-70009"}});
  EXPECT_EQ(part.response.status, 206);
  EXPECT_EQ(part.field("content-range"), "bytes 70000-70009/" + std::to_string(kLarge));
  EXPECT_EQ(part.body, text.substr(70000, 10));
  EXPECT_EQ(get({{"range", "bytes=0-0,9-9"}}).body, text) << "the whole is an answer too";
  EXPECT_EQ(get({{"range", "bytes=9999999-"}}).response.status, 416);
  EXPECT_EQ(get({{"if-none-match", "\"v1\""}}).response.status, 304);
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(LargeObjectTest, ThatIsSpoiltIsCutOffAndThenAMiss) {
  get();
  {
    std::fstream spoilt(file(), std::ios::in | std::ios::out | std::ios::binary);
    spoilt.seekp(1'000'000);
    spoilt.put('\x7f');
  }
  EXPECT_EQ(get().body, std::nullopt);
  const auto next = get();
  EXPECT_FALSE(next.status.hit);
  EXPECT_EQ(next.body, text);
  EXPECT_EQ(get().body, text);
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(LargeObjectTest, IsValidatedWithoutBeingReadOrWrittenAgain) {
  get();
  const auto written = fs::last_write_time(file());
  pass_time(70s);
  const auto validated = get();
  EXPECT_EQ(validated.status.forward_status, 304);
  EXPECT_EQ(validated.body, text);
  pass_time(50s);
  EXPECT_TRUE(get().status.hit);
  EXPECT_EQ(origin->requests, 2);
  EXPECT_LE(fs::last_write_time(file()) - written, 5s);
}

TEST_F(LargeObjectTest, IsPurgedSoftlyAndForGood) {
  get();
  EXPECT_EQ(cache->purge({.what = Purge::What::kEverything, .soft = true}), 1U);
  EXPECT_EQ(get().status.forward_status, 304);
  EXPECT_EQ(cache->purge({.what = Purge::What::kEverything}), 1U);
  EXPECT_FALSE(get().status.forward_status == 304);
  EXPECT_EQ(origin->requests, 3);
}

TEST_F(LargeObjectTest, ThatBreaksOffIsNotStored) {
  answers([this](http::Request&) {
    auto response = testing::make_response(200, {{"cache-control", "max-age=60"}}, "");
    std::vector<http::BodyPart> parts;
    for (int i = 0; i < 40; ++i) parts.push_back({.data = text.substr(0, 60'000)});
    response.body =
        std::make_unique<http::testing::SlowBody>(loop.executor(), std::move(parts), 0ms);
    return response;
  });
  EXPECT_EQ(get().body, std::nullopt);
  EXPECT_EQ(cache->stats().disk_objects, 0U);
  EXPECT_TRUE(file().empty());
}

TEST_F(LargeObjectTest, OverTheLimitOfAnObjectIsNotStored) {
  open({.memory_bytes_max = limits::kMiB,
        .disk_directory = directory,
        .object_bytes_max = 2 * limits::kMiB});
  answers([this](http::Request&) {
    auto response = testing::make_response(200, {{"cache-control", "max-age=60"}}, "");
    std::vector<http::BodyPart> parts;
    for (int i = 0; i < 50; ++i) parts.push_back({.data = text.substr(0, 60'000), .end = i == 49});
    response.body =
        std::make_unique<http::testing::SlowBody>(loop.executor(), std::move(parts), 0ms);
    return response;
  });
  EXPECT_EQ(get().body->size(), 3'000'000U);
  EXPECT_EQ(cache->stats().disk_objects, 0U);
  EXPECT_TRUE(file().empty());
}

}  // namespace

}  // namespace cusp::edge::cache
