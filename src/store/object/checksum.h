#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// Checksums of objects, as S3 has them.
namespace cusp::store::object {

enum class Algorithm : uint8_t { kMd5, kSha1, kSha256, kCrc32, kCrc32c, kCrc64Nvme };

// "CRC64NVME", as S3's API names it.
std::string_view to_string(Algorithm algorithm);
// In upper or lower case. Nothing: there is no such checksum. MD5 has no name: it is the entity
// tag.
std::optional<Algorithm> checksum_algorithm(std::string_view name);

// Of bytes that come piece by piece. One thread at a time.
class Hasher {
 public:
  explicit Hasher(Algorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(std::string_view bytes);
  // Once, and last: the checksum's bytes, the most significant first.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string checksum(Algorithm algorithm, std::string_view bytes);

// Whether that of a whole follows from those of its pieces: of CRCs.
bool combines(Algorithm algorithm);
// That of two pieces one behind the other, of which the second has so many bytes.
std::string combine(Algorithm algorithm, std::string_view first, std::string_view second,
                    uint64_t second_bytes);

// Lower-case hexadecimal digits.
std::string hex(std::string_view bytes);
// The bytes that hex() has written; other text makes no sense here.
std::string from_hex(std::string_view text);

}  // namespace cusp::store::object
