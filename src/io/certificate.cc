#include "io/certificate.h"

#include <openssl/pem.h>
#include <strings.h>

#include <filesystem>

#include <fmt/chrono.h>

#include "base/file.h"
#include "io/openssl.h"

namespace cusp::io {

namespace {

using std::string_view;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

// A key behind a passphrase is refused: nobody is there to type it.
char kNoPassphrase[] = "";

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> result;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    result.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                        ASN1_STRING_length(name->d.dNSName));
  }
  char common[256];
  if (result.empty() && X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                                  NID_commonName, common, sizeof(common)) > 0) {
    result.emplace_back(common);
  }
  return result;
}

Certificate::Time time_of(const ASN1_TIME* time) {
  std::tm calendar = {};
  ASN1_TIME_to_tm(time, &calendar);
  return std::chrono::system_clock::from_time_t(::timegm(&calendar));
}

std::string ocsp_url_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  std::string first =
      urls != nullptr && sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
  X509_email_free(urls);
  return first;
}

bool same_name(string_view a, string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool wildcard_covers(string_view pattern, string_view name) {
  const size_t dot = name.find('.');
  return pattern.starts_with("*.") && dot != name.npos && dot > 0 &&
         same_name(pattern.substr(1), name.substr(dot));
}

Result<std::string> read_pem(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    return fail(ErrorCode::kNotFound, "no such file for TLS; expected a PEM file", file);
  }
  return read_file(file);
}

}  // namespace

Certificate::~Certificate() {
  X509_free(leaf_);
  EVP_PKEY_free(key_);
  sk_X509_pop_free(chain_, X509_free);
}

Result<std::shared_ptr<const Certificate>> Certificate::load(const TlsCertificate& files) {
  CUSP_TRY(const std::string chain, read_pem(files.certificate_file));
  CUSP_TRY(const std::string key, read_pem(files.key_file));
  return parse(chain, key, files);
}

Result<std::shared_ptr<const Certificate>> Certificate::parse(string_view chain, string_view key,
                                                              const TlsCertificate& files) {
  std::shared_ptr<Certificate> result(new Certificate);  // shared: as the type says
  ERR_clear_error();
  const BioPtr chain_text = bio_over(chain);
  result->leaf_ = PEM_read_bio_X509_AUX(chain_text.get(), nullptr, nullptr, kNoPassphrase);
  result->chain_ = sk_X509_new_null();
  bool complete = result->leaf_ != nullptr;
  while (complete) {
    X509* next = PEM_read_bio_X509(chain_text.get(), nullptr, nullptr, kNoPassphrase);
    if (next == nullptr) break;
    sk_X509_push(result->chain_, next);
  }
  // The end of the text is told as "no start line"; anything else is a block that is broken.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) complete = false;
  if (!complete) {
    return fail(ErrorCode::kInvalidArgument,
                "not a certificate chain in PEM form: " + openssl_reason(), files.certificate_file);
  }
  ERR_clear_error();
  const BioPtr key_text = bio_over(key);
  result->key_ = PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, kNoPassphrase);
  if (result->key_ == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                "not a private key in PEM form without a passphrase: " + openssl_reason(),
                files.key_file);
  }
  if (X509_check_private_key(result->leaf_, result->key_) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalidArgument,
                "the private key does not belong to the certificate in " + files.certificate_file,
                files.key_file);
  }
  // OpenSSL has rules of its own, such as for the length of keys.
  const SslContextPtr trial(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_cert_and_key(trial.get(), result->leaf_, result->key_, result->chain_, 1) != 1) {
    return fail(ErrorCode::kInvalidArgument, "OpenSSL refuses the certificate: " + openssl_reason(),
                files.certificate_file);
  }
  result->read_facts();
  return result;
}

void Certificate::read_facts() {
  names_ = names_of(leaf_);
  valid_from_ = time_of(X509_get0_notBefore(leaf_));
  valid_until_ = time_of(X509_get0_notAfter(leaf_));
  ocsp_url_ = ocsp_url_of(leaf_);
}

X509* Certificate::issuer() const {
  for (int i = 0; i < sk_X509_num(chain_); ++i) {
    X509* candidate = sk_X509_value(chain_, i);
    if (X509_check_issued(candidate, leaf_) == X509_V_OK) return candidate;
  }
  return nullptr;
}

bool Certificate::is_exactly_for(string_view name) const {
  for (const std::string& own : names_) {
    if (same_name(own, name)) return true;
  }
  return false;
}

bool Certificate::is_for(string_view name) const {
  if (is_exactly_for(name)) return true;
  for (const std::string& own : names_) {
    if (wildcard_covers(own, name)) return true;
  }
  return false;
}

std::string to_string(Certificate::Time time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace cusp::io
