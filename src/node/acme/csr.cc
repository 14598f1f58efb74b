#include "node/acme/csr.h"

#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

#include "io/openssl.h"
#include "node/acme/jws.h"

namespace cusp::node::acme {

namespace {

using io::ExtensionPtr;
using io::Free;
using io::KeyPtr;
using io::X509Ptr;

// acmeIdentifier (RFC 8737 section 6.1).
constexpr const char* kIdentifierOid = "1.3.6.1.5.5.7.1.31";
constexpr long kValidSeconds = 60 * 60;

Result<KeyPtr> read_key(const std::string& pem) {
  char no_passphrase[] = "";
  KeyPtr key(PEM_read_bio_PrivateKey(io::bio_over(pem).get(), nullptr, nullptr, no_passphrase));
  if (!key) return fail(ErrorCode::kInvalidArgument, "not a key: " + io::openssl_reason());
  return key;
}

ExtensionPtr alternative_name(const std::string& domain) {
  return ExtensionPtr(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + domain).c_str()));
}

// Critical, an OCTET STRING of the digest.
ExtensionPtr identifier(std::string_view key_authorization) {
  // DER of an OCTET STRING of that length: tag 4 and the length, then the bytes.
  std::array<unsigned char, 2 + SHA256_DIGEST_LENGTH> value = {4, SHA256_DIGEST_LENGTH};
  SHA256(reinterpret_cast<const unsigned char*>(key_authorization.data()), key_authorization.size(),
         value.data() + 2);
  const std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>> oid(OBJ_txt2obj(kIdentifierOid, 1));
  const std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>> text(
      ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(text.get(), value.data(), value.size());
  return ExtensionPtr(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, text.get()));
}

}  // namespace

Result<std::string> make_csr(const std::string& key, const std::string& domain) {
  CUSP_TRY(const KeyPtr pair, read_key(key));
  const std::unique_ptr<X509_REQ, Free<X509_REQ_free>> request(X509_REQ_new());
  const ExtensionPtr name = alternative_name(domain);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  if (name) sk_X509_EXTENSION_push(extensions, name.get());
  const bool made = name && X509_REQ_set_pubkey(request.get(), pair.get()) == 1 &&
                    X509_REQ_add_extensions(request.get(), extensions) == 1 &&
                    X509_REQ_sign(request.get(), pair.get(), EVP_sha256()) > 0;
  sk_X509_EXTENSION_free(extensions);
  if (!made) {
    return fail(ErrorCode::kInternal, "cannot request a certificate: " + io::openssl_reason(),
                domain);
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

Result<std::shared_ptr<const io::Certificate>> make_challenge_certificate(
    const std::string& domain, std::string_view key_authorization) {
  CUSP_TRY(const std::string key, make_key());
  CUSP_TRY(const KeyPtr pair, read_key(key));
  const X509Ptr certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -kValidSeconds);
  X509_gmtime_adj(X509_getm_notAfter(x), kValidSeconds);
  X509_set_pubkey(x, pair.get());
  const ExtensionPtr name = alternative_name(domain);
  const ExtensionPtr proof = identifier(key_authorization);
  const io::BioPtr text(BIO_new(BIO_s_mem()));
  if (!name || !proof || X509_add_ext(x, name.get(), -1) != 1 ||
      X509_add_ext(x, proof.get(), -1) != 1 || X509_sign(x, pair.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509(text.get(), x) != 1) {
    return fail(ErrorCode::kInternal, "cannot make a certificate: " + io::openssl_reason(), domain);
  }
  return io::Certificate::parse(io::text_of(text.get()), key, {domain, domain});
}

}  // namespace cusp::node::acme
