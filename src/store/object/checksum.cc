#include "store/object/checksum.h"

#include <openssl/evp.h>
#include <strings.h>

#include <array>
#include <boost/crc.hpp>
#include <utility>
#include <variant>

namespace cusp::store::object {

namespace {

// The polynomials of zlib, of RFC 3720 and of the NVM Express specification.
using Crc32 = boost::crc_32_type;
using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;
using Crc64Nvme = boost::crc_optimal<64, 0xAD93D23594C93659, ~0ULL, ~0ULL, true, true>;
using Digest = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

constexpr std::array kNames{
    std::pair{Algorithm::kSha1, std::string_view("SHA1")},
    std::pair{Algorithm::kSha256, std::string_view("SHA256")},
    std::pair{Algorithm::kCrc32, std::string_view("CRC32")},
    std::pair{Algorithm::kCrc32c, std::string_view("CRC32C")},
    std::pair{Algorithm::kCrc64Nvme, std::string_view("CRC64NVME")},
};

Digest make_digest(const EVP_MD* kind) {
  Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(digest.get(), kind, nullptr);
  return digest;
}

template <class T>
std::string big_endian(T number) {
  std::string bytes(sizeof(number), '\0');
  for (size_t at = bytes.size(); at > 0; --at) {
    bytes[at - 1] = static_cast<char>(number & 0xFF);
    number >>= 8;
  }
  return bytes;
}

template <class T>
T from_big_endian(std::string_view bytes) {
  T number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

// The numbers of a reflected CRC are polynomials over GF(2) whose top bit is the coefficient of
// x^0. `modulus` lacks its highest term.
template <class T>
T multiply(T one, T other, T modulus) {
  T product = 0;
  for (T bit = ~(~T{0} >> 1); bit != 0; bit >>= 1) {
    if ((one & bit) != 0) product ^= other;
    other = (other & 1) != 0 ? other >> 1 ^ modulus : other >> 1;
  }
  return product;
}

// The first CRC as if so many bytes of zero came behind it, which is times x^(8·bytes), and the
// second one's bytes in their place. What all CRCs here begin and end with cancels out.
template <class T>
std::string combine_crc(std::string_view first, std::string_view second, uint64_t second_bytes,
                        T modulus) {
  constexpr T kOne = ~(~T{0} >> 1);
  T shift = kOne;
  T power = kOne >> 8;
  for (uint64_t left = second_bytes; left != 0; left >>= 1) {
    if ((left & 1) != 0) shift = multiply(shift, power, modulus);
    power = multiply(power, power, modulus);
  }
  return big_endian(multiply(from_big_endian<T>(first), shift, modulus) ^
                    from_big_endian<T>(second));
}

std::string finished(Digest& digest) {
  std::string bytes(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(digest.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
  bytes.resize(size);
  return bytes;
}

}  // namespace

struct Hasher::State {
  std::variant<Crc32, Crc32c, Crc64Nvme, Digest> running;
};

std::string_view to_string(Algorithm algorithm) {
  for (const auto& [known, name] : kNames) {
    if (known == algorithm) return name;
  }
  return "MD5";
}

std::optional<Algorithm> checksum_algorithm(std::string_view name) {
  for (const auto& [algorithm, known] : kNames) {
    if (name.size() == known.size() && strncasecmp(name.data(), known.data(), name.size()) == 0) {
      return algorithm;
    }
  }
  return std::nullopt;
}

Hasher::Hasher(Algorithm algorithm) : state_(std::make_unique<State>()) {
  auto& running = state_->running;
  switch (algorithm) {
    case Algorithm::kMd5: running = make_digest(EVP_md5()); break;
    case Algorithm::kSha1: running = make_digest(EVP_sha1()); break;
    case Algorithm::kSha256: running = make_digest(EVP_sha256()); break;
    case Algorithm::kCrc32: running = Crc32(); break;
    case Algorithm::kCrc32c: running = Crc32c(); break;
    case Algorithm::kCrc64Nvme: running = Crc64Nvme(); break;
  }
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  std::visit(
      [&](auto& running) {
        if constexpr (requires { running.checksum(); }) {
          running.process_bytes(bytes.data(), bytes.size());
        } else {
          EVP_DigestUpdate(running.get(), bytes.data(), bytes.size());
        }
      },
      state_->running);
}

std::string Hasher::finish() {
  return std::visit(
      [](auto& running) {
        if constexpr (requires { running.checksum(); }) {
          return big_endian(running.checksum());
        } else {
          return finished(running);
        }
      },
      state_->running);
}

std::string checksum(Algorithm algorithm, std::string_view bytes) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

bool combines(Algorithm algorithm) {
  return algorithm == Algorithm::kCrc32 || algorithm == Algorithm::kCrc32c ||
         algorithm == Algorithm::kCrc64Nvme;
}

// The moduli are the polynomials above with their bits in the other order.
std::string combine(Algorithm algorithm, std::string_view first, std::string_view second,
                    uint64_t second_bytes) {
  switch (algorithm) {
    case Algorithm::kCrc32: return combine_crc(first, second, second_bytes, 0xEDB88320U);
    case Algorithm::kCrc32c: return combine_crc(first, second, second_bytes, 0x82F63B78U);
    case Algorithm::kCrc64Nvme:
      return combine_crc(first, second, second_bytes, uint64_t{0x9A6C9329AC4BC9B5});
    default: std::unreachable();
  }
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 0xF];
  }
  return text;
}

std::string from_hex(std::string_view text) {
  const auto digit = [](char byte) { return byte <= '9' ? byte - '0' : byte - 'a' + 10; };
  std::string bytes;
  for (size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes += static_cast<char>(digit(text[at]) << 4 | digit(text[at + 1]));
  }
  return bytes;
}

}  // namespace cusp::store::object
