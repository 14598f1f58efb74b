#include "store/kv/log_check.h"

#include "base/file.h"
#include "store/kv/test_database.h"

namespace cusp::store::kv {

namespace {

namespace fs = std::filesystem;

class KvLog : public KvTest {
 protected:
  // The log of an open database as it lies on the disk now.
  std::string log() const {
    for (const auto& file : fs::directory_iterator(folder.path() + "/kv")) {
      if (file.path().extension() == ".log") return *read_file(file.path());
    }
    return {};
  }
};

TEST_F(KvLog, IsWholeWhereverItIsCutOff) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(set(std::to_string(i), std::string(70, 'x')));
  const std::string whole = log();
  ASSERT_GT(whole.size(), 1000);
  for (size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_TRUE(log_is_whole(std::string_view(whole).substr(0, size))) << size;
  }
  EXPECT_TRUE(log_is_whole(whole + std::string(5000, '\0'))) << "room that was made for more";
}

TEST_F(KvLog, IsNotWholeWithADamagedByteBeforeItsLastRecord) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(set(std::to_string(i), std::string(70, 'x')));
  const size_t last_begins = log().size();
  ASSERT_TRUE(set("last", "x"));
  const std::string whole = log();
  for (size_t at = 0; at < last_begins; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(log_is_whole(damaged)) << at;
  }
}

TEST_F(KvLog, RecordsOverManyBlocksAreFollowed) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(set("big", std::string(100'001 + i, 'x')));
  ASSERT_TRUE(set("last", "x"));
  const std::string whole = log();
  EXPECT_TRUE(log_is_whole(whole));
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  EXPECT_FALSE(log_is_whole(damaged));
}

TEST_F(KvLog, OfNonsenseNothingIsARecord) {
  EXPECT_TRUE(log_is_whole(""));
  EXPECT_TRUE(log_is_whole(std::string(100'000, '\xff')));
  EXPECT_TRUE(log_is_whole(std::string(100'000, '\x01')));
}

}  // namespace

}  // namespace cusp::store::kv
