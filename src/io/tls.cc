#include "io/tls.h"

#include <openssl/pem.h>

#include <map>
#include <mutex>

#include "io/openssl.h"
#include "io/ticket_keys.h"

namespace cusp::io {

namespace {

using std::string_view;

// In the order that we prefer (RFC 7301 wire format).
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
constexpr unsigned char kAcmeProtocols[] =
    "\x0a"
    "acme-tls/1";
// The extension of a client that offers nothing but the protocol of challenges: RFC 8737 section 3
// has it do so.
constexpr string_view kAcmeOffer(
    "\x00\x0b\x0a"
    "acme-tls/1",
    13);
// All contexts of a listener answer to the same sessions; their keys are the listener's own.
constexpr unsigned char kSessionContext[] = "cusp";

// The authorities for clients' certificates.
struct Authorities {
  std::vector<X509Ptr> certificates;

  static Result<Authorities> parse(const std::string& pem, const std::string& file);
};

Result<Authorities> Authorities::parse(const std::string& pem, const std::string& file) {
  Authorities result;
  ERR_clear_error();
  const BioPtr text = bio_over(pem);
  while (X509* next = PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr)) {
    result.certificates.emplace_back(next);
  }
  const bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (result.certificates.empty() || !whole) {
    return fail(ErrorCode::kInvalidArgument,
                "not certificates in PEM form to verify clients with: " + openssl_reason(), file);
  }
  ERR_clear_error();
  return result;
}

class Context final : public TlsServerContext {
 public:
  explicit Context(TlsServerOptions options);

  void* native() const override { return front_.get(); }
  Result<> use(TlsMaterial material) override;
  Result<> set_challenge(const std::string& name,
                         std::shared_ptr<const Certificate> certificate) override;

 private:
  // One certificate, ready for handshakes.
  struct Entry {
    ServedCertificate served;
    SslContextPtr context;
  };
  using Entries = std::vector<Entry>;

  SslContextPtr make_context() const;
  SslContextPtr make_context(const Certificate& certificate) const;
  void trust(SSL_CTX* context, const Authorities& authorities) const;
  bool switch_to(SSL* ssl, string_view name, bool challenge);
  static void staple(SSL* ssl, const std::string& response);
  static const Entry* choose(const Entries& entries, string_view name);

  static int on_client_hello(SSL* ssl, int* alert, void* self) noexcept;
  static int on_server_name(SSL* ssl, int* alert, void* self) noexcept;
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void* self) noexcept;
  static int on_acme_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                          const unsigned char* offered, unsigned offered_size, void* self) noexcept;
  static int on_status(SSL* ssl, void* self) noexcept;
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seal) noexcept;

  const TlsServerOptions options_;
  TicketKeys ticket_keys_;
  // Where every handshake starts, and whose tickets count; it has no certificate.
  SslContextPtr front_;
  std::mutex mutex_;
  Entries entries_;
  std::string client_ca_pem_;
  std::map<std::string, SslContextPtr, std::less<>> challenges_;
};

Context::Context(TlsServerOptions options)
    : options_(std::move(options)), ticket_keys_(options_.now), front_(make_context()) {
  SSL_CTX_set_client_hello_cb(front_.get(), on_client_hello, this);
  SSL_CTX_set_tlsext_servername_callback(front_.get(), on_server_name);
  SSL_CTX_set_tlsext_servername_arg(front_.get(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(front_.get(), on_ticket);
}

SslContextPtr Context::make_context() const {
  SslContextPtr owner(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = owner.get();
  SSL_CTX_set_app_data(context, const_cast<Context*>(this));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // RFC 9113 section 9.2.2: with TLS 1.2 only what HTTP/2 does not prohibit.
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // Tickets alone: a cache would be memory that clients fill.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, std::chrono::seconds(TicketKeys::kOpenTime).count());
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof(kSessionContext) - 1);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  if (options_.clients != ClientCertificates::kNone) {
    const bool required = options_.clients == ClientCertificates::kRequired;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  }
  return owner;
}

SslContextPtr Context::make_context(const Certificate& certificate) const {
  SslContextPtr context = make_context();
  SSL_CTX_use_cert_and_key(context.get(), certificate.leaf(), certificate.key(),
                           certificate.chain(), 1);
  return context;
}

// What is asked of a client's certificate is looked up in the context that its handshake has been
// switched to.
void Context::trust(SSL_CTX* context, const Authorities& authorities) const {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& certificate : authorities.certificates) {
    X509_STORE_add_cert(store, certificate.get());
    SSL_CTX_add_client_CA(context, certificate.get());
  }
}

Result<> Context::use(TlsMaterial material) {
  Authorities authorities;
  if (options_.clients != ClientCertificates::kNone) {
    CUSP_TRY(authorities, Authorities::parse(material.client_ca_pem, material.client_ca_file));
  }
  Entries entries;
  for (ServedCertificate& served : material.certificates) {
    SslContextPtr context = make_context(*served.certificate);
    SSL_CTX_set_tlsext_status_cb(context.get(), on_status);
    trust(context.get(), authorities);
    entries.push_back({std::move(served), std::move(context)});
  }
  const std::lock_guard lock(mutex_);
  entries_ = std::move(entries);
  if (client_ca_pem_ != material.client_ca_pem) ticket_keys_.forget();
  client_ca_pem_ = std::move(material.client_ca_pem);
  return {};
}

Result<> Context::set_challenge(const std::string& name,
                                std::shared_ptr<const Certificate> certificate) {
  SslContextPtr context;
  if (certificate) {
    context = make_context(*certificate);
    // The authority that asks has no certificate of its own to show.
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_alpn_select_cb(context.get(), on_acme_alpn, nullptr);
  }
  const std::lock_guard lock(mutex_);
  challenges_.erase(name);
  if (context) challenges_.emplace(name, std::move(context));
  return {};
}

const Context::Entry* Context::choose(const Entries& entries, string_view name) {
  for (const auto matches : {&Certificate::is_exactly_for, &Certificate::is_for}) {
    for (const Entry& entry : entries) {
      if ((*entry.served.certificate.*matches)(name)) return &entry;
    }
  }
  return entries.empty() ? nullptr : &entries.front();
}

bool Context::switch_to(SSL* ssl, string_view name, bool challenge) {
  const std::lock_guard lock(mutex_);
  if (challenge) {
    const auto found = challenges_.find(name);
    if (found == challenges_.end()) return false;
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    return SSL_set_SSL_CTX(ssl, found->second.get()) != nullptr;
  }
  const Entry* entry = choose(entries_, name);
  if (entry == nullptr) return false;
  if (SSL_get_tlsext_status_type(ssl) == TLSEXT_STATUSTYPE_ocsp) {
    staple(ssl, entry->served.ocsp_response);
  }
  return SSL_set_SSL_CTX(ssl, entry->context.get()) != nullptr;
}

// The connection gets a copy: the entry may be replaced while its handshake goes on.
void Context::staple(SSL* ssl, const std::string& response) {
  if (response.empty()) return;
  void* copy = OPENSSL_memdup(response.data(), response.size());
  if (copy != nullptr) {
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));  // takes it
  }
}

// The only place where OpenSSL shows what the client offers before a certificate is chosen.
int Context::on_client_hello(SSL* ssl, int*, void* self) noexcept {
  const unsigned char* data = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                &size) == 1 &&
      string_view(reinterpret_cast<const char*>(data), size) == kAcmeOffer) {
    SSL_set_app_data(ssl, self);  // anything but null: on_server_name asks
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Called for clients that name no server, too.
int Context::on_server_name(SSL* ssl, int* alert, void* self) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const bool challenge = SSL_get_app_data(ssl) != nullptr;
  if (!static_cast<Context*>(self)->switch_to(ssl, name == nullptr ? "" : name, challenge)) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return name == nullptr ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

int Context::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void*) noexcept {
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(out), out_size, kProtocols,
                                          sizeof(kProtocols) - 1, offered, offered_size);
  // A client that offers nothing of ours must not go on by guessing (RFC 7301 section 3.2).
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int Context::on_acme_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                          const unsigned char*, unsigned, void*) noexcept {
  *out = kAcmeProtocols + 1;
  *out_size = kAcmeProtocols[0];
  return SSL_TLSEXT_ERR_OK;
}

int Context::on_status(SSL* ssl, void*) noexcept {
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
  return size > 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int Context::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seal) noexcept {
  auto* self = static_cast<Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return self->ticket_keys_.prepare(name, iv, cipher, mac, seal == 1);
}

}  // namespace

Result<> check_authorities(const std::string& pem, const std::string& file) {
  CUSP_CHECK(Authorities::parse(pem, file));
  return {};
}

std::shared_ptr<TlsServerContext> make_tls_listener_context(TlsServerOptions options) {
  return std::make_shared<Context>(std::move(options));
}

Result<std::shared_ptr<TlsServerContext>> make_tls_server_context(
    std::vector<TlsCertificate> certificates) {
  if (certificates.empty())
    return fail(ErrorCode::kInvalidArgument, "TLS needs at least one certificate");
  TlsMaterial material;
  for (const TlsCertificate& files : certificates) {
    CUSP_TRY(auto certificate, Certificate::load(files));
    material.certificates.push_back({std::move(certificate), {}});
  }
  auto context = make_tls_listener_context(TlsServerOptions());
  CUSP_CHECK(context->use(std::move(material)));
  return context;
}

}  // namespace cusp::io
