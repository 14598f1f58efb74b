#include "io/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <strings.h>

#include <filesystem>
#include <string_view>

namespace cusp::io {

namespace {

using std::string_view;

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using FilePtr = std::unique_ptr<FILE, Free<fclose>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

// In the order that we prefer (RFC 7301 wire format).
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
constexpr int kValidDays = 30;
constexpr long kSecondsOfDay = 24 * 60 * 60;

// OpenSSL's own reason for the last failure; the queue is empty afterwards.
std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

// The names that a certificate is for: its DNS names, else its common name.
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

bool same_name(string_view a, string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// "*.example.org" is for "a.example.org", not for "a.b.example.org" (RFC 6125 section 6.4.3).
bool wildcard_covers(string_view pattern, string_view name) {
  const size_t dot = name.find('.');
  return pattern.starts_with("*.") && dot != name.npos && dot > 0 &&
         same_name(pattern.substr(1), name.substr(dot));
}

class Context final : public TlsServerContext {
 public:
  Result<> add(const TlsCertificate& files);
  void finish();
  void* native() const override { return contexts_.front().context.get(); }

 private:
  struct Named {
    ContextPtr context;
    std::vector<std::string> names;
  };

  SSL_CTX* choose(string_view name) const;
  static int on_server_name(SSL* ssl, int* alert, void* self) noexcept;
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void* self) noexcept;

  std::vector<Named> contexts_;
};

Result<> Context::add(const TlsCertificate& files) {
  std::error_code error;
  for (const std::string& file : {files.certificate_file, files.key_file}) {
    if (!std::filesystem::is_regular_file(file, error))
      return fail(ErrorCode::kNotFound, "no such file for TLS; expected a PEM file", file);
  }
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // RFC 9113 section 9.2.2: with TLS 1.2 only what HTTP/2 does not prohibit.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_file.c_str()) != 1) {
    return fail(ErrorCode::kInvalidArgument,
                "not a certificate chain in PEM form: " + openssl_reason(), files.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool mismatch = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509;
    return fail(
        ErrorCode::kInvalidArgument,
        mismatch ? "the private key does not belong to the certificate in " + files.certificate_file
                 : "not a private key in PEM form: " + openssl_reason(),
        files.key_file);
  }
  std::vector<std::string> names = names_of(SSL_CTX_get0_certificate(context.get()));
  contexts_.push_back({std::move(context), std::move(names)});
  return {};
}

// Every handshake starts in the first context; only that one needs the callbacks.
void Context::finish() {
  SSL_CTX* first = contexts_.front().context.get();
  SSL_CTX_set_tlsext_servername_callback(first, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(first, this);
  for (const Named& named : contexts_)
    SSL_CTX_set_alpn_select_cb(named.context.get(), on_alpn, nullptr);
}

SSL_CTX* Context::choose(string_view name) const {
  for (const auto matches : {same_name, wildcard_covers}) {
    for (const Named& named : contexts_) {
      for (const std::string& own : named.names) {
        if (matches(own, name)) return named.context.get();
      }
    }
  }
  return contexts_.front().context.get();
}

int Context::on_server_name(SSL* ssl, int*, void* self) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, static_cast<const Context*>(self)->choose(name));
  return SSL_TLSEXT_ERR_OK;
}

int Context::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void*) noexcept {
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(out), out_size, kProtocols,
                                          sizeof(kProtocols) - 1, offered, offered_size);
  // A client that offers nothing of ours must not go on by guessing (RFC 7301 section 3.2).
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool still_valid(const TlsCertificate& files) {
  const FilePtr file(fopen(files.certificate_file.c_str(), "r"));
  if (!file) return false;
  const CertificatePtr certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return false;
  time_t tomorrow = time(nullptr) + kSecondsOfDay;
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &tomorrow) > 0 &&
         make_tls_server_context({files}).has_value();
}

bool add_extension(X509* certificate, int name, const char* value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, name, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

CertificatePtr sign_self(EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
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

Result<std::shared_ptr<const TlsServerContext>> make_tls_server_context(
    std::vector<TlsCertificate> certificates) {
  if (certificates.empty())
    return fail(ErrorCode::kInvalidArgument, "TLS needs at least one certificate");
  auto context = std::make_shared<Context>();
  for (const TlsCertificate& files : certificates) CUSP_CHECK(context->add(files));
  context->finish();
  return context;
}

Result<TlsCertificate> make_self_signed_certificate(const std::string& directory) {
  TlsCertificate files = {directory + "/cert.pem", directory + "/key.pem"};
  if (still_valid(files)) return files;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorCode::kUnavailable, "cannot create: " + error.message(), directory);

  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate = key ? sign_self(key.get()) : nullptr;
  if (!certificate)
    return fail(ErrorCode::kInternal, "cannot make a certificate: " + openssl_reason());
  // Nobody else ever sees the key: it has its permissions before it has content.
  std::filesystem::remove(files.key_file, error);
  const int descriptor =
      open(files.key_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const FilePtr key_file(descriptor < 0 ? nullptr : fdopen(descriptor, "w"));
  if (!key_file ||
      PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(ErrorCode::kUnavailable, "cannot write the private key", files.key_file);
  }
  const FilePtr certificate_file(fopen(files.certificate_file.c_str(), "w"));
  if (!certificate_file || PEM_write_X509(certificate_file.get(), certificate.get()) != 1)
    return fail(ErrorCode::kUnavailable, "cannot write the certificate", files.certificate_file);
  return files;
}

}  // namespace cusp::io
