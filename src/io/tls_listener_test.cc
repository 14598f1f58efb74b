#include <string.h>

#include "io/test_tls.h"
#include "io/ticket_keys.h"

namespace cusp::io {
namespace {

// A listener whose clock the test moves, and what it presents.
class TlsListener : public Tls {
 protected:
  void SetUp() override {
    Tls::SetUp();
    present({load("one", "DNS:one.test")});
  }
  std::shared_ptr<const Certificate> load(const std::string& name, const std::string& dns) {
    auto certificate = Certificate::load(certificate_for(name, dns));
    EXPECT_TRUE(certificate) << certificate.error().to_string();
    return *certificate;
  }
  void present(std::vector<std::shared_ptr<const Certificate>> certificates) {
    TlsMaterial material;
    for (auto& certificate : certificates) material.certificates.push_back({certificate, {}});
    ASSERT_TRUE(context_->use(std::move(material)));
  }
  Handshake resume(const Handshake& first, const TlsServerContext& context,
                   int version = TLS1_3_VERSION) {
    return shake(
        context,
        Hello{.server_name = "one.test", .version = version, .session = first.session.get()});
  }

  TicketKeys::Clock::time_point now_{};
  std::shared_ptr<TlsServerContext> context_ =
      make_tls_listener_context(TlsServerOptions{.now = [this] { return now_; }});
};

TEST_F(TlsListener, ACertificateSwappedInServesTheNextHandshake) {
  EXPECT_EQ(shake(*context_, "one.test").common_name, "one");
  present({load("two", "DNS:one.test")});
  EXPECT_EQ(shake(*context_, "one.test").common_name, "two");
}

TEST_F(TlsListener, AHandshakeUnderWayEndsWithTheCertificateThatItBeganWith) {
  Pair pair(*context_, Hello{.server_name = "one.test", .version = TLS1_2_VERSION});
  SSL_do_handshake(pair.client.get());
  SSL_do_handshake(pair.server.get());
  present({load("two", "DNS:one.test")});
  ASSERT_TRUE(pair.shake());
  char name[16] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(pair.client.get())),
                            NID_commonName, name, sizeof(name));
  EXPECT_STREQ(name, "one");
}

TEST_F(TlsListener, WithoutACertificateHandshakesFail) {
  present({});
  EXPECT_FALSE(shake(*context_, "one.test").done);
  EXPECT_FALSE(shake(*context_, nullptr).done);
}

TEST_F(TlsListener, SessionsAreResumedInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Handshake first = shake(*context_, "one.test", "\x02h2", version);
    ASSERT_TRUE(first.done);
    EXPECT_FALSE(first.resumed);
    const Handshake second = resume(first, *context_, version);
    EXPECT_TRUE(second.done);
    EXPECT_TRUE(second.resumed) << version;
    EXPECT_EQ(second.alpn, "h2");
  }
}

TEST_F(TlsListener, ASessionOutlivesTheCertificateItBeganWith) {
  const Handshake first = shake(*context_, "one.test");
  present({load("two", "DNS:one.test")});
  EXPECT_TRUE(resume(first, *context_).resumed);
}

TEST_F(TlsListener, ATicketIsGoodForADayAndNoLonger) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Handshake first = shake(*context_, "one.test", "\x02h2", version);
    now_ += std::chrono::hours(23);
    EXPECT_TRUE(resume(first, *context_, version).resumed);
    now_ += std::chrono::hours(1);
    const Handshake replayed = resume(first, *context_, version);
    EXPECT_TRUE(replayed.done);
    EXPECT_FALSE(replayed.resumed) << version;
  }
}

TEST_F(TlsListener, AnOldTicketIsReplacedByOneOfTheCurrentKey) {
  const Handshake first = shake(*context_, "one.test", "\x02h2", TLS1_2_VERSION);
  now_ += std::chrono::hours(23);
  const Handshake second = resume(first, *context_, TLS1_2_VERSION);
  ASSERT_TRUE(second.resumed);
  now_ += std::chrono::hours(23);
  EXPECT_TRUE(resume(second, *context_, TLS1_2_VERSION).resumed);
}

TEST_F(TlsListener, ATicketOfAnotherListenerIsWorthNothing) {
  const Handshake first = shake(*context_, "one.test");
  const auto other = make_tls_server_context({certificate_for("other", "DNS:one.test")});
  const Handshake elsewhere = resume(first, **other);
  EXPECT_TRUE(elsewhere.done);
  EXPECT_FALSE(elsewhere.resumed);
}

TEST_F(TlsListener, ASpoiltTicketLeadsToAWholeHandshake) {
  const Handshake first = shake(*context_, "one.test", "\x02h2", TLS1_2_VERSION);
  unsigned char* der = nullptr;
  const int size = i2d_SSL_SESSION(first.session.get(), &der);
  const unsigned char* ticket = nullptr;
  size_t ticket_size = 0;
  SSL_SESSION_get0_ticket(first.session.get(), &ticket, &ticket_size);
  auto* inside = static_cast<unsigned char*>(memmem(der, size, ticket, ticket_size));
  ASSERT_NE(inside, nullptr);
  inside[ticket_size / 2] ^= 1;
  const unsigned char* next = der;
  Handshake spoilt;
  spoilt.session.reset(d2i_SSL_SESSION(nullptr, &next, size));
  OPENSSL_free(der);
  const Handshake second = resume(spoilt, *context_, TLS1_2_VERSION);
  EXPECT_TRUE(second.done);
  EXPECT_FALSE(second.resumed);
}

TEST_F(TlsListener, EarlyDataIsNeverOffered) {
  const Handshake first = shake(*context_, "one.test");
  EXPECT_EQ(SSL_SESSION_get_max_early_data(first.session.get()), 0u);
}

TEST_F(TlsListener, AnOcspResponseIsStapledAsItIs) {
  EXPECT_EQ(shake(*context_, "one.test").ocsp_response, "");
  TlsMaterial material;
  material.certificates.push_back({load("stapled", "DNS:one.test"), "what the responder said"});
  ASSERT_TRUE(context_->use(std::move(material)));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(shake(*context_, "one.test", "\x02h2", version).ocsp_response,
              "what the responder said");
  }
}

TEST_F(TlsListener, AChallengeIsAnsweredToTheAcmeProtocolAlone) {
  ASSERT_TRUE(context_->set_challenge("one.test", load("proof", "DNS:one.test")));
  const Handshake proof = shake(*context_, "one.test",
                                "\x0a"
                                "acme-tls/1");
  EXPECT_EQ(proof.common_name, "proof");
  EXPECT_EQ(proof.alpn, kAcmeProtocol);
  EXPECT_EQ(shake(*context_, "one.test").common_name, "one");
  EXPECT_EQ(shake(*context_, "one.test",
                  "\x02h2\x0a"
                  "acme-tls/1")
                .common_name,
            "one");
}

TEST_F(TlsListener, AChallengeThatNobodySetFails) {
  ASSERT_TRUE(context_->set_challenge("one.test", load("proof", "DNS:one.test")));
  EXPECT_FALSE(shake(*context_, "two.test",
                     "\x0a"
                     "acme-tls/1")
                   .done);
  EXPECT_FALSE(shake(*context_, nullptr,
                     "\x0a"
                     "acme-tls/1")
                   .done);
  ASSERT_TRUE(context_->set_challenge("one.test", nullptr));
  EXPECT_FALSE(shake(*context_, "one.test",
                     "\x0a"
                     "acme-tls/1")
                   .done);
}

// A listener that asks its clients for certificates.
class TlsClients : public TlsListener {
 protected:
  void SetUp() override {
    TlsListener::SetUp();
    server_ = load("server", "DNS:one.test");
  }
  void ask(ClientCertificates clients, const std::string& authority) {
    context_ = make_tls_listener_context(TlsServerOptions{.clients = clients});
    ASSERT_TRUE(trust(authority));
  }
  Result<> trust(const std::string& authority) {
    TlsMaterial material = {.client_ca_pem = authority, .client_ca_file = "clients.pem"};
    material.certificates.push_back({server_, {}});
    return context_->use(std::move(material));
  }
  std::string pem(const std::string& name) { return read(folder_ + "/" + name + ".pem"); }
  bool served(std::shared_ptr<const Certificate> certificate, int version = TLS1_3_VERSION) {
    Pair pair(*context_, Hello{.version = version, .certificate = certificate});
    pair.shake();
    return SSL_is_init_finished(pair.server.get()) == 1;
  }

  std::shared_ptr<const Certificate> server_;
};

TEST_F(TlsClients, OnlyCertificatesOfTheAuthorityAreLetIn) {
  const auto known = load("known", "DNS:known");
  const auto stranger = load("stranger", "DNS:known");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ask(ClientCertificates::kRequired, pem("known"));
    EXPECT_TRUE(served(known, version));
    EXPECT_FALSE(served(stranger, version));
    EXPECT_FALSE(served(nullptr, version));
    ask(ClientCertificates::kOptional, pem("known"));
    EXPECT_TRUE(served(known, version));
    EXPECT_FALSE(served(stranger, version));
    EXPECT_TRUE(served(nullptr, version));
  }
}

TEST_F(TlsClients, AnAuthorityThatIsTakenAwayEndsItsSessions) {
  const auto known = load("known", "DNS:known");
  load("next", "DNS:known");
  ask(ClientCertificates::kRequired, pem("known"));
  const Handshake first = shake(*context_, Hello{.certificate = known});
  ASSERT_TRUE(first.done);
  EXPECT_TRUE(shake(*context_, Hello{.session = first.session.get()}).resumed);
  ASSERT_TRUE(trust(pem("next")));
  Pair pair(*context_, Hello{.session = first.session.get()});
  pair.shake();
  EXPECT_FALSE(SSL_is_init_finished(pair.server.get()));
}

TEST_F(TlsClients, AuthoritiesThatCannotBeReadChangeNothing) {
  const auto known = load("known", "DNS:known");
  ask(ClientCertificates::kRequired, pem("known"));
  for (const std::string& broken :
       {std::string(), std::string("text"), pem("known") + pem("known").substr(0, 200)}) {
    const auto result = trust(broken);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().context, "clients.pem");
  }
  EXPECT_TRUE(served(known));
}

}  // namespace
}  // namespace cusp::io
