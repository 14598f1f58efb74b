#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "http/client.h"
#include "http/client_test_support.h"
#include "http/server.h"

namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::make_request;
using testing::Peer;
using testing::PeerServer;
using testing::TestClient;

// Answers with the request's body, or with what it knows about the request.
class EchoHandler final : public Handler {
 public:
  io::Task<Response> respond(Request& request) override {
    Response response;
    response.fields.add("x-authority", request.authority);
    response.fields.add("x-version", request.version == Version::kHttp2 ? "2" : "1.1");
    response.body = std::move(request.body);
    co_return response;
  }
};

// Our own server with a certificate for localhost that it signed itself.
class TlsClientTest : public ::testing::Test {
 protected:
  TlsClientTest()
      : directory_(::testing::TempDir() + "cusp_client_tls_test-" + std::to_string(::getpid())) {
    certificate_ = *io::make_self_signed_certificate(directory_);
  }
  ~TlsClientTest() override {
    server_.reset();
    client_.settle();
    ::unsetenv("SSL_CERT_FILE");
    std::filesystem::remove_all(directory_);
  }

  void trust() { ::setenv("SSL_CERT_FILE", certificate_.certificate_file.c_str(), 1); }
  void serve(const std::string& address = "127.0.0.1") {
    ServerOptions options{.address = address};
    options.tls = *io::make_tls_server_context({certificate_});
    server_ = *make_server(client_.executor(), std::move(options), handler_);
  }
  Request request(const std::string& host) {
    Request made = make_request("POST", host + ":" + std::to_string(server_->port()));
    made.scheme = "https";
    made.body = make_body("over TLS");
    return made;
  }

  std::string directory_;
  io::TlsCertificate certificate_;
  TestClient client_;
  EchoHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsClientTest, AServerWithATrustedCertificateIsReachedByNameAndByAddress) {
  trust();
  serve();
  for (const char* host : {"127.0.0.1", "LOCALHOST", "localhost"}) {
    auto response = client_.send(request(host));
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(client_.read_all(*response), "over TLS");
  }
  EXPECT_EQ(server_->connections(), 2u) << "one for each name, whatever its case";
}

TEST_F(TlsClientTest, ALargeBodyPassesBothWays) {
  trust();
  serve();
  const std::string data(8 * 1024 * 1024, 'z');
  Request large = request("localhost");
  large.body = make_body(data);
  auto response = client_.send(std::move(large));
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_TRUE(client_.read_all(*response) == data);
}

TEST_F(TlsClientTest, AnUnknownIssuerIsRefused) {
  serve();
  const auto response = client_.send(request("localhost"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kTlsCertificateError);
  EXPECT_THAT(response.error().error.message, HasSubstr("localhost:"));
  EXPECT_THAT(response.error().error.message, HasSubstr("self-signed certificate"));
}

TEST_F(TlsClientTest, ACertificateForAnotherHostIsRefused) {
  trust();
  serve("127.0.0.2");
  const auto response = client_.send(request("127.0.0.2"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kTlsCertificateError);
  EXPECT_THAT(response.error().error.message, HasSubstr("IP address mismatch"));
}

TEST_F(TlsClientTest, APeerThatDoesNotSpeakTlsIsAProtocolError) {
  PeerServer plain([](Peer& peer, int) { peer.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  Request sent = make_request("GET", plain.authority());
  sent.scheme = "https";
  const auto response = client_.send(std::move(sent));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kTlsProtocolError);
}

TEST_F(TlsClientTest, APeerThatNeverFinishesItsHandshakeIsGivenUp) {
  PeerServer silent([](Peer& peer, int) { peer.read_all(); });
  Request sent = make_request("GET", silent.authority());
  sent.scheme = "https";
  const auto response = client_.send(std::move(sent), {.connect_timeout = 60ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kConnectionTimeout);
  EXPECT_THAT(response.error().error.message, HasSubstr("TLS handshake"));
}

}  // namespace
}  // namespace cusp::http
