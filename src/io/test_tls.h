#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "io/openssl.h"
#include "io/tls.h"

// Certificates and handshakes for tests, both ends in memory.
namespace cusp::io {

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "cusp-tls-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  static std::string read(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  // A certificate of its own for these DNS names.
  TlsCertificate certificate_for(const std::string& name, const std::string& dns) {
    const std::string base = folder_ + "/" + name;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes -days 2 -subj /CN=" +
        name + " -addext 'subjectAltName=" + dns + "' -keyout " + base + ".key -out " + base +
        ".pem 2>" + base + ".log";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return {base + ".pem", base + ".key"};
  }

  std::string folder_;
};

using SessionPtr = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;

// How one handshake in memory went.
struct Handshake {
  bool done = false;
  std::string common_name;  // of the certificate that the server chose
  std::string alpn;
  std::string version;
  bool resumed = false;
  std::string ocsp_response;
  SessionPtr session;  // to resume
};

// What the client says.
struct Hello {
  const char* server_name = nullptr;
  std::string_view alpn = "\x02h2\x08http/1.1";
  int version = TLS1_3_VERSION;
  SSL_SESSION* session = nullptr;
  std::shared_ptr<const Certificate> certificate = nullptr;
};

// A client and a server on the two ends of a pipe.
class Pair {
 public:
  Pair(const TlsServerContext& context, const Hello& hello)
      : client_context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(client_context_.get(), 0);
    SSL_CTX_set_max_proto_version(client_context_.get(), hello.version);
    SSL_CTX_set_security_level(client_context_.get(), 0);
    if (hello.certificate) {
      SSL_CTX_use_cert_and_key(client_context_.get(), hello.certificate->leaf(),
                               hello.certificate->key(), nullptr, 1);
    }
    client.reset(SSL_new(client_context_.get()));
    server.reset(SSL_new(static_cast<SSL_CTX*>(context.native())));
    BIO* ends[2];
    BIO_new_bio_pair(&ends[0], 0, &ends[1], 0);
    SSL_set_bio(client.get(), ends[0], ends[0]);
    SSL_set_bio(server.get(), ends[1], ends[1]);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    SSL_set_tlsext_status_type(client.get(), TLSEXT_STATUSTYPE_ocsp);
    if (hello.server_name != nullptr) SSL_set_tlsext_host_name(client.get(), hello.server_name);
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(hello.alpn.data()),
                        static_cast<unsigned>(hello.alpn.size()));
    if (hello.session != nullptr) SSL_set_session(client.get(), hello.session);
  }

  // OpenSSL takes a session for spoilt whose connection ends without a word.
  ~Pair() { SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  bool shake() {
    for (int turn = 0; turn < 20; ++turn) {
      const int one = SSL_do_handshake(client.get());
      const int two = SSL_do_handshake(server.get());
      if (one == 1 && two == 1) return true;
    }
    return false;
  }

  // Tickets of TLS 1.3 come behind the handshake.
  void read_tickets() {
    char nothing;
    SSL_read(client.get(), &nothing, 1);
  }

 private:
  SslContextPtr client_context_;

 public:
  std::unique_ptr<SSL, Free<SSL_free>> client;
  std::unique_ptr<SSL, Free<SSL_free>> server;
};

inline Handshake shake(const TlsServerContext& context, const Hello& hello) {
  Pair pair(context, hello);
  Handshake result;
  result.done = pair.shake();
  if (!result.done) return result;
  pair.read_tickets();
  SSL* client = pair.client.get();
  char name[256] = "";
  X509* certificate = SSL_get0_peer_certificate(client);
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  result.common_name = name;
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client, &chosen, &size);
  result.alpn.assign(reinterpret_cast<const char*>(chosen), size);
  result.version = SSL_get_version(client);
  result.resumed = SSL_session_reused(client) == 1;
  const unsigned char* response = nullptr;
  const long response_size = SSL_get_tlsext_status_ocsp_resp(client, &response);
  if (response_size > 0) {
    result.ocsp_response.assign(reinterpret_cast<const char*>(response), response_size);
  }
  result.session.reset(SSL_get1_session(client));
  return result;
}

inline Handshake shake(const TlsServerContext& context, const char* server_name,
                       std::string_view alpn = "\x02h2\x08http/1.1", int version = TLS1_3_VERSION) {
  return shake(context, Hello{.server_name = server_name, .alpn = alpn, .version = version});
}

}  // namespace cusp::io
