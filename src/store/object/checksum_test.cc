#include "store/object/checksum.h"

#include <gtest/gtest.h>

namespace cusp::store::object {

namespace {

// The check values of the catalogue of parametrised CRC algorithms, and of RFC 1321 and FIPS 180.
TEST(ObjectChecksum, IsThatOfThePublishedCheckValues) {
  const auto of = [](Algorithm algorithm) { return hex(checksum(algorithm, "123456789")); };
  EXPECT_EQ(of(Algorithm::kCrc32), "cbf43926");
  EXPECT_EQ(of(Algorithm::kCrc32c), "e3069283");
  EXPECT_EQ(of(Algorithm::kCrc64Nvme), "ae8b14860a799888");
  EXPECT_EQ(of(Algorithm::kMd5), "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(of(Algorithm::kSha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
  EXPECT_EQ(of(Algorithm::kSha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
}

TEST(ObjectChecksum, OfPiecesIsThatOfTheWhole) {
  Hasher pieces(Algorithm::kCrc64Nvme);
  pieces.update("1234");
  pieces.update("");
  pieces.update("56789");
  EXPECT_EQ(hex(pieces.finish()), "ae8b14860a799888");
}

TEST(ObjectChecksum, OfACrcThatOfAWholeFollowsFromThoseOfItsPieces) {
  std::string whole;
  for (int at = 0; at < 5000; ++at) whole += static_cast<char>(at * 7 % 251);
  for (const Algorithm algorithm : {Algorithm::kCrc32, Algorithm::kCrc32c, Algorithm::kCrc64Nvme}) {
    ASSERT_TRUE(combines(algorithm));
    for (const size_t cut : {size_t{0}, size_t{1}, size_t{7}, size_t{2500}, whole.size()}) {
      const std::string_view second = std::string_view(whole).substr(cut);
      EXPECT_EQ(hex(combine(algorithm, checksum(algorithm, std::string_view(whole).substr(0, cut)),
                            checksum(algorithm, second), second.size())),
                hex(checksum(algorithm, whole)))
          << to_string(algorithm) << " cut at " << cut;
    }
  }
  for (const Algorithm algorithm : {Algorithm::kMd5, Algorithm::kSha1, Algorithm::kSha256}) {
    EXPECT_FALSE(combines(algorithm));
  }
}

TEST(ObjectChecksum, IsKnownByItsNameInEitherCaseAndByNoOther) {
  EXPECT_EQ(checksum_algorithm("crc64nvme"), Algorithm::kCrc64Nvme);
  EXPECT_EQ(checksum_algorithm(to_string(Algorithm::kSha256)), Algorithm::kSha256);
  for (const char* name : {"", "MD5", "CRC", "CRC32CC", "sha-256", "crc64"}) {
    EXPECT_FALSE(checksum_algorithm(name)) << name;
  }
}

}  // namespace

}  // namespace cusp::store::object
