#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "store/object/objects.h"
#include "store/test_loop.h"

namespace cusp::store::object {

// The object stores of a folder of their own, with a clock that stands still, and one bucket.
class BucketTest : public ::testing::Test {
 protected:
  BucketTest() { open(); }
  ~BucketTest() override { pool.stop(); }

  void open(std::chrono::milliseconds sweep_interval = std::chrono::hours(24)) {
    bucket.reset();
    objects.reset();
    auto opened = Objects::open({.directory = folder.path() + "/objects",
                                 .now = [this] { return now.load(); },
                                 .sweep_interval = sweep_interval},
                                pool);
    ASSERT_TRUE(opened) << opened.error().to_string();
    objects = std::move(*opened);
    bucket = *objects->bucket({"app", "default"});
  }
  Received receive(std::string_view bytes, std::optional<Algorithm> algorithm = std::nullopt) {
    auto incoming = bucket->receive(algorithm);
    EXPECT_TRUE(loop.run(incoming.append(bytes)));
    auto received = loop.run(incoming.finish());
    EXPECT_TRUE(received) << received.error().to_string();
    return std::move(*received);
  }
  Result<std::optional<Head>> try_put(std::string key, std::string_view bytes,
                                      PutOptions options = {}) {
    return loop.run(bucket->put(std::move(key), receive(bytes), std::move(options)));
  }
  Head put(std::string key, std::string_view bytes, PutOptions options = {}) {
    auto head = try_put(std::move(key), bytes, std::move(options));
    EXPECT_TRUE(head && *head);
    return **head;
  }
  // The content, "nothing", or the name of the error.
  std::string get(const std::string& key) {
    auto object = loop.run(bucket->get(key));
    if (!object) return std::string(to_string(object.error().code));
    return *object ? read(**object) : "nothing";
  }
  std::string read(Object& object, uint64_t offset = 0, uint64_t most = UINT64_MAX) {
    std::string all;
    while (all.size() < most) {
      auto bytes = loop.run(object.read(offset + all.size(), most - all.size()));
      if (!bytes) return std::string(to_string(bytes.error().code));
      if (bytes->empty()) break;
      all += *bytes;
    }
    return all;
  }
  // "key key | prefix prefix", with "…" behind if there are more.
  std::string list(ListOptions options) {
    const auto listing = loop.run(bucket->list(std::move(options)));
    if (!listing) return std::string(to_string(listing.error().code));
    std::string text;
    for (const auto& head : listing->objects) text += head.key + " ";
    text += "|";
    for (const auto& prefix : listing->prefixes) text += " " + prefix;
    return text + (listing->next ? " …" : "");
  }
  // How many contents are on disk.
  size_t contents() const {
    size_t files = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(folder.path() + "/objects/content")) {
      files += file.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  std::atomic<kv::Time> now{kv::Time(std::chrono::milliseconds(1'700'000'000'000))};
  testing::Folder folder;
  // The loop goes last: a thread of the pool may still be waking it.
  testing::Loop loop;
  io::BlockingPool pool{2};
  std::unique_ptr<Objects> objects;
  std::shared_ptr<Bucket> bucket;
};

}  // namespace cusp::store::object
