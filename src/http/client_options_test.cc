#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "http/client_test_support.h"
#include "http/server.h"

// Where requests go and whom they trust when their options say so: what a reverse proxy needs.
namespace cusp::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::make_request;
using testing::Peer;
using testing::PeerServer;
using testing::TestClient;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

void serve_ok(Peer& peer, int) {
  while (!peer.read_until("\r\n\r\n").empty()) peer.write(kOk);
}

class VersionHandler final : public Handler {
 public:
  io::Task<Response> respond(Request& request) override {
    Response response;
    response.fields.add("x-version", request.version == Version::kHttp2 ? "2" : "1.1");
    response.fields.add("x-authority", request.authority);
    co_return response;
  }
};

TEST(HttpClientOptions, ARequestIsSentToAnotherHostAndKeepsItsAuthority) {
  std::string seen;
  TestClient client;
  {
    PeerServer server([&](Peer& peer, int) {
      seen = peer.read_until("\r\n\r\n");
      peer.write(kOk);
    });
    ClientOptions options;
    options.connect_host = "127.0.0.1";
    options.connect_port = server.port();
    auto response = client.send(make_request("GET", "shop.example"), options);
    ASSERT_TRUE(response) << response.error().error.message;
  }
  EXPECT_THAT(seen, HasSubstr("\r\nhost: shop.example\r\n"));
}

TEST(HttpClientOptions, RequestsToTheSamePlaceShareConnectionsWhateverTheirAuthority) {
  PeerServer server(serve_ok);
  TestClient client;
  ClientOptions options;
  options.connect_host = "127.0.0.1";
  options.connect_port = server.port();
  for (const char* authority : {"a.example", "b.example:81", "c.example"}) {
    auto response = client.send(make_request("GET", authority), options);
    ASSERT_TRUE(response) << response.error().error.message;
    EXPECT_EQ(client.read_all(*response), "ok");
  }
  EXPECT_EQ(server.accepted(), 1);
  client.destroy_client();
}

TEST(HttpClientOptions, AnotherHostIsNoWayAroundADeniedAddress) {
  PeerServer server(serve_ok);
  TestClient client;
  ClientOptions options{.allow_address = [](std::string_view, uint16_t) { return false; }};
  options.connect_host = "localhost";
  options.connect_port = server.port();
  const auto response = client.send(make_request("GET", "shop.example"), options);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().failure, ClientFailure::kDestinationProhibited);
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpClientOptions, ARequestBeyondTheCapWaitsForAConnection) {
  PeerServer server(serve_ok);
  TestClient client;
  const ClientOptions options{.connections_max = 1};
  auto first = client.send(make_request("GET", server.authority()), options);
  ASSERT_TRUE(first);
  std::optional<std::expected<Response, ClientError>> second;
  io::asio::co_spawn(client.executor(),
                     client.client().send(make_request("GET", server.authority()), options),
                     [&](std::exception_ptr, std::expected<Response, ClientError> response) {
                       second = std::move(response);
                     });
  client.settle();
  EXPECT_FALSE(second);
  EXPECT_EQ(client.read_all(*first), "ok");
  client.run_until([&] { return second.has_value(); });
  ASSERT_TRUE(*second) << second->error().error.message;
  EXPECT_EQ(client.read_all(**second), "ok");
  EXPECT_EQ(server.accepted(), 1);
  client.destroy_client();
}

TEST(HttpClientOptions, ARequestThatGetsNoConnectionInTimeFails) {
  PeerServer server(serve_ok);
  TestClient client;
  auto first = client.send(make_request("GET", server.authority()));
  ASSERT_TRUE(first);
  const auto second = client.send(make_request("GET", server.authority()),
                                  {.connect_timeout = 50ms, .connections_max = 1});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().failure, ClientFailure::kConnectionTimeout);
  EXPECT_THAT(second.error().error.message, HasSubstr("no connection became free"));
  // One that breaks off gives its place back.
  first->body.reset();
  auto third = client.send(make_request("GET", server.authority()),
                           {.connect_timeout = 1s, .connections_max = 1});
  ASSERT_TRUE(third) << third.error().error.message;
  EXPECT_EQ(client.read_all(*third), "ok");
  client.destroy_client();
}

TEST(HttpClientOptions, AConnectionThatFailsGivesItsPlaceBack) {
  TestClient client;
  const std::string nobody = "127.0.0.1:" + std::to_string(PeerServer([](Peer&, int) {}).port());
  for (int i = 0; i < 3; ++i) {
    const auto response = client.send(make_request("GET", nobody), {.connections_max = 1});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().failure, ClientFailure::kConnectionRefused);
  }
}

// Our own server with a certificate for localhost that it signed itself, and that no system trusts.
class PrivateCaTest : public ::testing::Test {
 protected:
  PrivateCaTest()
      : directory_(::testing::TempDir() + "cusp_client_options_test-" +
                   std::to_string(::getpid())) {
    certificate_ = *io::make_self_signed_certificate(directory_);
    ServerOptions options;
    options.tls = *io::make_tls_server_context({certificate_});
    server_ = *make_server(client_.executor(), std::move(options), handler_);
    options_.connect_host = "127.0.0.1";
    options_.connect_port = server_->port();
  }
  ~PrivateCaTest() override {
    server_.reset();
    client_.settle();
    std::filesystem::remove_all(directory_);
  }

  std::expected<Response, ClientError> get(const ClientOptions& options) {
    Request request = make_request("GET", "shop.example");
    request.scheme = "https";
    return client_.send(std::move(request), options);
  }
  ClientFailure failure_of(const ClientOptions& options) {
    const auto response = get(options);
    return response ? ClientFailure::kNone : response.error().failure;
  }

  std::string directory_;
  io::TlsCertificate certificate_;
  TestClient client_;
  VersionHandler handler_;
  std::unique_ptr<Server> server_;
  ClientOptions options_;
};

TEST_F(PrivateCaTest, AnUpstreamWithAPrivateAuthorityIsReachedByItsOwnName) {
  options_.tls_ca_file = certificate_.certificate_file;
  options_.tls_server_name = "localhost";
  const auto response = get(options_);
  ASSERT_TRUE(response) << response.error().error.message;
  EXPECT_EQ(response->fields.get("x-authority"), "shop.example");
  EXPECT_EQ(response->fields.get("x-version"), "2") << "agreed to in the handshake";
}

TEST_F(PrivateCaTest, TheVersionMayBeChosen) {
  options_.tls_verify = false;
  options_.version = ClientVersion::kHttp1;
  EXPECT_EQ(get(options_)->fields.get("x-version"), "1.1");
  options_.version = ClientVersion::kHttp2;
  EXPECT_EQ(get(options_)->fields.get("x-version"), "2");
}

TEST_F(PrivateCaTest, TheNameMustBeThatOfTheAuthorityUnlessToldOtherwise) {
  options_.tls_ca_file = certificate_.certificate_file;
  EXPECT_EQ(failure_of(options_), ClientFailure::kTlsCertificateError);
  options_.tls_server_name = "other.example";
  EXPECT_EQ(failure_of(options_), ClientFailure::kTlsCertificateError);
}

TEST_F(PrivateCaTest, AConnectionThatWasNotVerifiedServesNobodyWhoWantsItVerified) {
  ClientOptions careless = options_;
  careless.tls_verify = false;
  EXPECT_EQ(failure_of(careless), ClientFailure::kNone);
  EXPECT_EQ(failure_of(options_), ClientFailure::kTlsCertificateError);
  options_.tls_server_name = "localhost";
  EXPECT_EQ(failure_of(options_), ClientFailure::kTlsCertificateError);
  EXPECT_EQ(failure_of(careless), ClientFailure::kNone);
}

TEST_F(PrivateCaTest, AFileWithoutAuthoritiesFailsTheRequest) {
  const std::string empty = directory_ + "/empty.pem";
  std::ofstream(empty) << "not PEM\n";
  for (const std::string& file : {empty, directory_ + "/none.pem", directory_}) {
    options_.tls_ca_file = file;
    const auto response = get(options_);
    ASSERT_FALSE(response) << file;
    EXPECT_EQ(response.error().failure, ClientFailure::kTlsCertificateError);
    EXPECT_THAT(response.error().error.message, HasSubstr(file));
  }
}

TEST_F(PrivateCaTest, RequestsAtTheSameTimeToANewUpstreamShareOneConnection) {
  options_.tls_verify = false;
  int answered = 0;
  for (int i = 0; i < 20; ++i) {
    Request request = make_request("GET", "shop.example");
    request.scheme = "https";
    io::asio::co_spawn(client_.executor(), client_.client().send(std::move(request), options_),
                       [&](std::exception_ptr, std::expected<Response, ClientError> response) {
                         EXPECT_TRUE(response) << response.error().error.message;
                         ++answered;
                       });
  }
  client_.run_until([&] { return answered == 20; });
  EXPECT_EQ(server_->connections(), 1u);
}

}  // namespace
}  // namespace cusp::http
