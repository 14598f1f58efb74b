#include "io/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace cusp::io {
namespace {

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

// One handshake in memory.
struct Handshake {
  bool done = false;
  std::string common_name;  // of the certificate that the server chose
  std::string alpn;
  std::string version;
};

Handshake shake(const TlsServerContext& context, const char* server_name,
                std::string_view alpn = "\x02h2\x08http/1.1", int version = TLS1_3_VERSION) {
  SSL_CTX* client_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(client_context, 0);
  SSL_CTX_set_max_proto_version(client_context, version);
  SSL_CTX_set_security_level(client_context, 0);
  SSL* client = SSL_new(client_context);
  SSL* server = SSL_new(static_cast<SSL_CTX*>(context.native()));
  BIO* ends[2];
  BIO_new_bio_pair(&ends[0], 0, &ends[1], 0);
  SSL_set_bio(client, ends[0], ends[0]);
  SSL_set_bio(server, ends[1], ends[1]);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  if (server_name != nullptr) SSL_set_tlsext_host_name(client, server_name);
  SSL_set_alpn_protos(client, reinterpret_cast<const unsigned char*>(alpn.data()),
                      static_cast<unsigned>(alpn.size()));
  Handshake result;
  for (int turn = 0; turn < 20; ++turn) {
    const int one = SSL_do_handshake(client);
    const int two = SSL_do_handshake(server);
    if (one == 1 && two == 1) {
      result.done = true;
      break;
    }
  }
  if (result.done) {
    char name[256] = "";
    X509* certificate = SSL_get0_peer_certificate(client);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof(name));
    result.common_name = name;
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client, &chosen, &size);
    result.alpn.assign(reinterpret_cast<const char*>(chosen), size);
    result.version = SSL_get_version(client);
  }
  SSL_free(client);
  SSL_free(server);
  SSL_CTX_free(client_context);
  return result;
}

TEST_F(Tls, ASelfSignedCertificateServesLocalhost) {
  const auto files = make_self_signed_certificate(folder_ + "/new/folder");
  ASSERT_TRUE(files) << files.error().to_string();
  const auto context = make_tls_server_context({*files});
  ASSERT_TRUE(context) << context.error().to_string();
  const Handshake result = shake(**context, "localhost");
  EXPECT_TRUE(result.done);
  EXPECT_EQ(result.common_name, "localhost");
  EXPECT_EQ(result.version, "TLSv1.3");
}

TEST_F(Tls, ASelfSignedKeyIsReadableByItsOwnerOnly) {
  const auto files = make_self_signed_certificate(folder_);
  struct stat status;
  ASSERT_EQ(stat(files->key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Tls, AValidSelfSignedPairIsKeptAndABrokenOneReplaced) {
  const auto files = make_self_signed_certificate(folder_);
  const std::string before = read(files->certificate_file);
  ASSERT_TRUE(make_self_signed_certificate(folder_));
  EXPECT_EQ(read(files->certificate_file), before);
  write("key.pem", "broken");
  ASSERT_TRUE(make_self_signed_certificate(folder_));
  EXPECT_NE(read(files->certificate_file), before);
  EXPECT_TRUE(make_tls_server_context({*files}));
}

TEST_F(Tls, TheCertificateIsChosenByExactNameThenWildcardThenTheFirst) {
  const auto context = make_tls_server_context({certificate_for("first", "DNS:first.test"),
                                                certificate_for("wild", "DNS:*.example.test"),
                                                certificate_for("exact", "DNS:a.example.test")});
  ASSERT_TRUE(context) << context.error().to_string();
  EXPECT_EQ(shake(**context, "a.example.test").common_name, "exact");
  EXPECT_EQ(shake(**context, "A.Example.TEST").common_name, "exact");
  EXPECT_EQ(shake(**context, "b.example.test").common_name, "wild");
  EXPECT_EQ(shake(**context, "b.c.example.test").common_name, "first");
  EXPECT_EQ(shake(**context, "example.test").common_name, "first");
  EXPECT_EQ(shake(**context, nullptr).common_name, "first");
}

TEST_F(Tls, AlpnPrefersHttp2AndRefusesWhatIsNotOurs) {
  const auto context = make_tls_server_context({*make_self_signed_certificate(folder_)});
  EXPECT_EQ(shake(**context, nullptr, "\x08http/1.1\x02h2").alpn, "h2");
  EXPECT_EQ(shake(**context, nullptr, "\x08http/1.1").alpn, "http/1.1");
  EXPECT_FALSE(shake(**context, nullptr,
                     "\x03"
                     "foo")
                   .done);
  const Handshake none = shake(**context, nullptr, "");
  EXPECT_TRUE(none.done);
  EXPECT_EQ(none.alpn, "");
}

TEST_F(Tls, VersionsBefore12AreRefused) {
  const auto context = make_tls_server_context({*make_self_signed_certificate(folder_)});
  EXPECT_EQ(shake(**context, nullptr, "\x02h2", TLS1_2_VERSION).version, "TLSv1.2");
  EXPECT_FALSE(shake(**context, nullptr, "\x02h2", TLS1_1_VERSION).done);
}

TEST_F(Tls, NoCertificateAtAllIsAnError) {
  EXPECT_EQ(make_tls_server_context({}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Tls, FilesThatCannotBeUsedAreNamed) {
  const auto good = *make_self_signed_certificate(folder_);
  const auto other = *make_self_signed_certificate(folder_ + "/other");
  const std::string text = write("text.pem", "not PEM");
  const struct {
    TlsCertificate files;
    ErrorCode code;
    std::string context;
  } cases[] = {
      {{folder_ + "/none.pem", good.key_file}, ErrorCode::kNotFound, folder_ + "/none.pem"},
      {{good.certificate_file, folder_ + "/none.key"}, ErrorCode::kNotFound, folder_ + "/none.key"},
      {{folder_, good.key_file}, ErrorCode::kNotFound, folder_},
      {{text, good.key_file}, ErrorCode::kInvalidArgument, text},
      {{good.certificate_file, text}, ErrorCode::kInvalidArgument, text},
      {{good.key_file, good.key_file}, ErrorCode::kInvalidArgument, good.key_file},
      {{good.certificate_file, other.key_file}, ErrorCode::kInvalidArgument, other.key_file},
  };
  for (const auto& one : cases) {
    const auto context = make_tls_server_context({one.files});
    ASSERT_FALSE(context) << one.context;
    EXPECT_EQ(context.error().code, one.code) << one.context;
    EXPECT_EQ(context.error().context, one.context);
  }
}

TEST_F(Tls, AKeyOfAnotherCertificateIsCalledThat) {
  const auto good = *make_self_signed_certificate(folder_);
  const auto other = *make_self_signed_certificate(folder_ + "/other");
  const auto context = make_tls_server_context({{good.certificate_file, other.key_file}});
  EXPECT_NE(context.error().message.find("does not belong"), std::string::npos)
      << context.error().message;
}

TEST_F(Tls, AFolderThatCannotBeMadeIsAnError) {
  const std::string file = write("file", "");
  const auto files = make_self_signed_certificate(file + "/below");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace cusp::io
