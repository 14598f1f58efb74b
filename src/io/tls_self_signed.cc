#include <openssl/pem.h>

#include <ctime>
#include <filesystem>

#include "base/file.h"
#include "io/openssl.h"
#include "io/tls.h"

namespace cusp::io {

namespace {

constexpr int kValidDays = 30;
constexpr long kSecondsOfDay = 24 * 60 * 60;

bool still_valid(const TlsCertificate& files) {
  const auto certificate = Certificate::load(files);
  const auto tomorrow = std::chrono::system_clock::now() + std::chrono::days(1);
  return certificate && (*certificate)->valid_until() > tomorrow;
}

bool add_extension(X509* certificate, int name, const char* value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, name, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

X509Ptr sign_self(EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  // A serial number of its own for each: browsers refuse two certificates of one issuer and number.
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), static_cast<uint64_t>(time(nullptr)));
  X509_gmtime_adj(X509_getm_notBefore(x), -60);
  X509_gmtime_adj(X509_getm_notAfter(x), kValidDays * kSecondsOfDay);
  X509_set_pubkey(x, key);
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  const bool made =
      add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, NID_subject_alt_name, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1") &&
      X509_sign(x, key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

}  // namespace

Result<TlsCertificate> make_self_signed_certificate(const std::string& directory) {
  TlsCertificate files = {directory + "/cert.pem", directory + "/key.pem"};
  if (still_valid(files)) return files;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorCode::kUnavailable, "cannot create: " + error.message(), directory);

  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate = key ? sign_self(key.get()) : nullptr;
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  const BioPtr chain_text(BIO_new(BIO_s_mem()));
  if (!certificate ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(chain_text.get(), certificate.get()) != 1) {
    return fail(ErrorCode::kInternal, "cannot make a certificate: " + openssl_reason());
  }
  CUSP_CHECK(write_file(files.key_file, text_of(key_text.get()), 0600));
  CUSP_CHECK(write_file(files.certificate_file, text_of(chain_text.get())));
  return files;
}

}  // namespace cusp::io
