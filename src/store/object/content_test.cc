#include "store/object/content.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.h"
#include "store/test_loop.h"

namespace cusp::store::object {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAbcDigest =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr size_t kBlock = 64 * limits::kKiB;

class ObjectContent : public ::testing::Test {
 protected:
  ObjectContent() { open(); }

  void open() {
    auto opened = Contents::open(directory);
    ASSERT_TRUE(opened) << opened.error().to_string();
    contents = std::move(*opened);
  }
  Stored put(std::string_view bytes) {
    auto writer = contents->write();
    EXPECT_TRUE(writer && (*writer)->append(bytes));
    auto stored = (*writer)->finish();
    EXPECT_TRUE(stored) << stored.error().to_string();
    return std::move(*stored);
  }
  // The bytes, or the name of the error.
  std::string get(const ContentId& id, uint64_t offset = 0, uint64_t most = UINT64_MAX) {
    const auto reader = contents->read(id);
    if (!reader) return std::string(to_string(reader.error().code));
    std::string all;
    while (all.size() < most) {
      const auto part = reader->read(offset + all.size(), most - all.size());
      if (!part) return std::string(to_string(part.error().code));
      if (part->empty()) break;
      all += *part;
    }
    return all;
  }
  std::string path(const ContentId& id) const {
    return directory + "/" + id.digest.substr(0, 2) + "/" + id.digest;
  }
  static std::string mixed(size_t size) {
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>(at * 131 + at / kBlock);
    return bytes;
  }

  testing::Folder folder;
  const std::string directory = folder.path() + "/objects";
  std::unique_ptr<Contents> contents;
  const Contents::Referenced never = [](const std::string&) { return false; };
};

TEST_F(ObjectContent, IsNamedByItsSha256AndReadAsItWasWritten) {
  const ContentId id = put("abc").id;
  EXPECT_EQ(id, (ContentId{kAbcDigest, 3}));
  EXPECT_EQ(get(id), "abc");
  open();
  EXPECT_EQ(get({kAbcDigest, 3}), "abc");
}

TEST_F(ObjectContent, OfEverySizeAroundABlockIsWhole) {
  for (const size_t size : {size_t{0}, size_t{1}, kBlock - 1, kBlock, kBlock + 1, 3 * kBlock + 7}) {
    const std::string bytes = mixed(size);
    EXPECT_TRUE(get(put(bytes).id) == bytes) << size;
  }
}

TEST_F(ObjectContent, ThatComesInPiecesIsTheSame) {
  const std::string bytes = mixed(2 * kBlock + 99);
  const auto writer = *contents->write();
  for (size_t at = 0; at < bytes.size(); at += 1000) {
    ASSERT_TRUE(writer->append(std::string_view(bytes).substr(at, 1000)));
  }
  EXPECT_EQ(writer->finish()->id, put(bytes).id);
}

TEST_F(ObjectContent, IsReadFromAnywhereToAnywhere) {
  const std::string bytes = mixed(3 * kBlock + 7);
  const ContentId id = put(bytes).id;
  EXPECT_TRUE(get(id, kBlock - 2, 5) == bytes.substr(kBlock - 2, 5));
  EXPECT_TRUE(get(id, bytes.size() - 1, 100) == bytes.substr(bytes.size() - 1));
  EXPECT_EQ(get(id, bytes.size(), 1), "");
  EXPECT_EQ(get(id, UINT64_MAX - 5, 1), "");
}

TEST_F(ObjectContent, WithAnyFlippedBitIsNeverReturned) {
  const std::string bytes = mixed(kBlock + 3);
  const ContentId id = put(bytes).id;
  const std::string good = *read_file(path(id));
  for (size_t at = 0; at < good.size(); at += at < 40 || at > kBlock + 20 ? 1 : 997) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    ASSERT_TRUE(write_file(path(id), bad));
    EXPECT_EQ(get(id), "data_loss") << at;
  }
  ASSERT_TRUE(write_file(path(id), good));
  EXPECT_TRUE(get(id) == bytes);
}

TEST_F(ObjectContent, ThatIsCutOffLongerOrGoneIsDataLoss) {
  const ContentId id = put(mixed(2 * kBlock)).id;
  const std::string good = *read_file(path(id));
  ASSERT_TRUE(write_file(path(id), good.substr(0, good.size() / 2)));
  EXPECT_EQ(get(id), "data_loss");
  ASSERT_TRUE(write_file(path(id), good + "x"));
  EXPECT_EQ(get(id), "data_loss");
  fs::remove(path(id));
  EXPECT_EQ(get(id), "data_loss");
}

TEST_F(ObjectContent, WithItsBlocksExchangedIsDataLoss) {
  const ContentId id = put(mixed(2 * kBlock)).id;
  const std::string good = *read_file(path(id));
  const size_t half = good.size() / 2;
  ASSERT_TRUE(write_file(path(id), good.substr(half) + good.substr(0, half)));
  EXPECT_EQ(get(id), "data_loss");
}

TEST_F(ObjectContent, ThatIsDamagedIsMendedByWritingItAgain) {
  const ContentId id = put("abc").id;
  ASSERT_TRUE(write_file(path(id), "rubbish"));
  put("abc");
  EXPECT_EQ(get(id), "abc");
}

TEST_F(ObjectContent, HasNoNameThatLeadsElsewhere) {
  ASSERT_TRUE(write_file(folder.path() + "/secret", "x"));
  for (const std::string name :
       {"", "../secret", "ba",
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}) {
    EXPECT_EQ(get({name, 1}), "invalid_argument") << name;
    EXPECT_FALSE(contents->remove_unused(name, never)) << name;
  }
  EXPECT_EQ(get({kAbcDigest, UINT64_MAX}), "invalid_argument");
}

TEST_F(ObjectContent, ThatIsNotFinishedLeavesNothing) {
  {
    ASSERT_TRUE((*contents->write())->append(mixed(kBlock)));
  }
  EXPECT_TRUE(fs::is_empty(directory + "/unfinished"));
  // As a crash leaves it.
  ASSERT_TRUE(write_file(directory + "/unfinished/abcdef", "half"));
  open();
  EXPECT_TRUE(fs::is_empty(directory + "/unfinished"));
}

TEST_F(ObjectContent, IsRemovedOnlyWhenNothingRefersToItAndNobodyHasItPinned) {
  std::optional<Stored> stored = put("abc");
  EXPECT_FALSE(*contents->remove_unused(kAbcDigest, never)) << "pinned";
  stored.reset();
  EXPECT_FALSE(*contents->remove_unused(kAbcDigest, [](auto&) { return true; }));
  const auto unknown = [](auto&) -> Result<bool> { return fail(ErrorCode::kUnavailable, "disk"); };
  EXPECT_FALSE(contents->remove_unused(kAbcDigest, unknown));
  EXPECT_EQ(get({kAbcDigest, 3}), "abc");
  EXPECT_TRUE(*contents->remove_unused(kAbcDigest, never));
  EXPECT_EQ(get({kAbcDigest, 3}), "data_loss");
  EXPECT_FALSE(*contents->remove_unused(kAbcDigest, never)) << "it is gone";
}

TEST_F(ObjectContent, ThatIsWrittenAgainWhileItIsBeingRemovedStays) {
  put("abc");
  const auto write_meanwhile = [&](auto&) {
    put("abc");
    return false;
  };
  EXPECT_FALSE(*contents->remove_unused(kAbcDigest, write_meanwhile));
  EXPECT_EQ(get({kAbcDigest, 3}), "abc");
}

TEST_F(ObjectContent, StaysWhenASecondRemovalBeginsAfterItWasWrittenAgain) {
  put("abc");
  std::promise<void> second_began;
  std::promise<void> first_ended;
  std::thread second;
  const auto answered_too_early = [&](auto&) {
    put("abc");
    second = std::thread([&] {
      EXPECT_FALSE(*contents->remove_unused(kAbcDigest, [&](auto&) {
        second_began.set_value();
        first_ended.get_future().wait();
        return true;
      }));
    });
    second_began.get_future().wait();
    return false;
  };
  EXPECT_FALSE(*contents->remove_unused(kAbcDigest, answered_too_early));
  first_ended.set_value();
  second.join();
  EXPECT_EQ(get({kAbcDigest, 3}), "abc");
}

TEST_F(ObjectContent, ThatIsRemovedCanBeReadToItsEndByWhoHasItOpen) {
  put("abc");
  const auto reader = contents->read({kAbcDigest, 3});
  ASSERT_TRUE(*contents->remove_unused(kAbcDigest, never));
  EXPECT_EQ(*reader->read(0, 3), "abc");
}

TEST_F(ObjectContent, OfACrashIsSweptAndWhatIsReferredToStays) {
  const ContentId kept = put("kept").id;
  const ContentId orphan = put("orphan").id;
  ASSERT_TRUE(write_file(directory + "/notes", "not ours"));
  open();
  EXPECT_EQ(*contents->sweep([&](auto& digest) { return digest == kept.digest; }), 1U);
  EXPECT_EQ(get(kept), "kept");
  EXPECT_EQ(get(orphan), "data_loss");
}

TEST_F(ObjectContent, IsWrittenAndRemovedByManyThreadsAndNeverLostWhilePinned) {
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 4; ++writer) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const Stored stored = put("abc");
        EXPECT_EQ(get(stored.id), "abc");
      }
    });
  }
  threads.emplace_back([&] {
    for (int turn = 0; turn < 2000; ++turn) EXPECT_TRUE(contents->remove_unused(kAbcDigest, never));
  });
  for (auto& thread : threads) thread.join();
}

}  // namespace

}  // namespace cusp::store::object
