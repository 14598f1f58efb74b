#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "node/acme/jws.h"
#include "node/ask.h"

// Certificates from an authority that speaks ACME (RFC 8555).
namespace cusp::node::acme {

inline constexpr std::string_view kHttp01 = "http-01";         // RFC 8555 section 8.3
inline constexpr std::string_view kTlsAlpn01 = "tls-alpn-01";  // RFC 8737

struct Options {
  std::string directory;  // https URL
  std::string email;      // empty: the authority has nobody to write to
  std::vector<std::string> domains;
  std::string ca_file;  // authorities to trust for the directory itself; empty: the system's
  // In the order in which they are tried.
  std::vector<std::string> challenges = {std::string(kTlsAlpn01), std::string(kHttp01)};

  bool operator==(const Options&) const = default;
};

// A way to prove that a name is ours.
struct Proof {
  std::string type;
  std::string domain;
  std::string token;
  std::string key_authorization;
};

// What makes a proof visible to the authority while it looks.
class Prover {
 public:
  virtual ~Prover() = default;
  virtual Result<> show(const Proof& proof) = 0;
  virtual void hide(const Proof& proof) = 0;
};

// One conversation with an authority. Blocking; not thread-safe. Every error names what was asked
// and what the authority said.
class Client {
 public:
  // `prover` outlives it. `stop` ends every wait.
  Client(const Options& options, AccountKey key, Prover& prover, std::stop_token stop);

  // The chain, in PEM form, of a certificate for `domain` that `csr` (DER) asks for. `challenge` is
  // the type that proves it.
  Result<std::string> obtain(const std::string& domain, std::string_view csr,
                             const std::string& challenge);

 private:
  struct Reply {
    uint16_t status = 0;
    std::string body;
    std::string location;
    std::chrono::seconds retry_after;
  };

  Result<> open();
  Result<> prove(const std::string& authorization, const std::string& domain,
                 const std::string& challenge);
  Result<> await_proof(const std::string& authorization);
  Result<nlohmann::json> await_order(const std::string& order, std::string_view status);
  Result<Reply> post(const std::string& url, std::string_view payload);
  Result<Reply> post_once(const std::string& url, std::string_view payload);
  Result<Reply> send(http::Request request);
  Result<> fetch_nonce();
  bool pause(std::chrono::seconds time);

  const Options& options_;
  const AccountKey key_;
  Prover& prover_;
  const std::stop_token stop_;
  std::string new_nonce_;
  std::string new_account_;
  std::string new_order_;
  std::string account_;  // its URL; empty: not known yet
  std::string nonce_;    // for the next request; empty: there is none
};

}  // namespace cusp::node::acme
