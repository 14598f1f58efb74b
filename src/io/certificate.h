#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::io {

// One certificate chain with its key, as PEM files. Both may be the same file.
struct TlsCertificate {
  std::string certificate_file;
  std::string key_file;

  bool operator==(const TlsCertificate&) const = default;
};

// A chain and its key, read and found to belong together. Immutable, thread-safe.
class Certificate {
 public:
  using Time = std::chrono::system_clock::time_point;

  // Blocking. Errors: kNotFound (no such file), kInvalidArgument (not PEM, a key that does not
  // fit), each naming the file. Whether the certificate has expired is the caller's to judge.
  static Result<std::shared_ptr<const Certificate>> load(const TlsCertificate& files);
  // The same of texts; `files` names them in messages.
  static Result<std::shared_ptr<const Certificate>> parse(std::string_view chain,
                                                          std::string_view key,
                                                          const TlsCertificate& files);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  // The names that it is for: its DNS names, else its common name.
  const std::vector<std::string>& names() const { return names_; }
  // Whether one of them is `name`, or a wildcard for it ("*.example.org" is for "a.example.org",
  // not for "a.b.example.org": RFC 6125 section 6.4.3).
  bool is_for(std::string_view name) const;
  bool is_exactly_for(std::string_view name) const;

  Time valid_from() const { return valid_from_; }
  Time valid_until() const { return valid_until_; }
  // Where to ask whether it was revoked (RFC 5280 section 4.2.2.1); empty: nowhere.
  const std::string& ocsp_url() const { return ocsp_url_; }

  X509* leaf() const { return leaf_; }
  EVP_PKEY* key() const { return key_; }
  // What signed the leaf, as far as the chain says; null: it does not.
  X509* issuer() const;
  STACK_OF(X509) * chain() const { return chain_; }  // without the leaf

 private:
  Certificate() = default;
  void read_facts();

  X509* leaf_ = nullptr;
  EVP_PKEY* key_ = nullptr;
  STACK_OF(X509) * chain_ = nullptr;
  std::vector<std::string> names_;
  Time valid_from_;
  Time valid_until_;
  std::string ocsp_url_;
};

// "2030-01-31 12:00:00 UTC", for messages.
std::string to_string(Certificate::Time time);

}  // namespace cusp::io
