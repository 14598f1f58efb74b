#pragma once

#include <openssl/types.h>

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace cusp::io {

// The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1), in memory alone: a ticket of an
// earlier process leads to a whole handshake. A key seals tickets for an hour and opens them for a
// day after its birth; older tickets are of no use to whoever finds the memory of the process.
// Thread-safe: one object serves all shards.
class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kSealTime{1};
  static constexpr std::chrono::hours kOpenTime{24};

  explicit TicketKeys(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}
  ~TicketKeys();

  // What OpenSSL asks for (SSL_CTX_set_tlsext_ticket_key_evp_cb), to seal a ticket or to open one.
  int prepare(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              bool seal);

  // No ticket handed out before is good for anything from now on.
  void forget();

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    Clock::time_point born;
  };

  // The newest key stands last. Null: the system has no random numbers.
  const Key* current();
  void drop_old();

  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::vector<Key> keys_;
};

}  // namespace cusp::io
