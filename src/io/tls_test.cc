#include "io/tls.h"

#include <sys/stat.h>

#include "io/test_tls.h"

namespace cusp::io {
namespace {

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

TEST_F(Tls, ABrokenCertificateBehindAGoodOneIsNotOverlooked) {
  const auto good = *make_self_signed_certificate(folder_);
  const std::string chain = read(good.certificate_file);
  for (const std::string& rest : {chain.substr(0, chain.size() / 2), chain.substr(0, 60) + "?\n"}) {
    const std::string file = write("chain.pem", chain + rest);
    const auto context = make_tls_server_context({{file, good.key_file}});
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().context, file);
  }
}

TEST_F(Tls, AKeyBehindAPassphraseIsRefusedWithoutAsking) {
  const auto good = *make_self_signed_certificate(folder_);
  const std::string sealed = folder_ + "/sealed.key";
  const std::string command = "openssl pkcs8 -topk8 -in " + good.key_file + " -out " + sealed +
                              " -passout pass:secret 2>" + folder_ + "/log";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto context = make_tls_server_context({{good.certificate_file, sealed}});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().context, sealed);
}

TEST_F(Tls, OneFileMayHoldKeyAndChain) {
  const auto files = *make_self_signed_certificate(folder_);
  const std::string both = write("both.pem", read(files.key_file) + read(files.certificate_file));
  const auto context = make_tls_server_context({{both, both}});
  ASSERT_TRUE(context) << context.error().to_string();
  EXPECT_TRUE(shake(**context, "localhost").done);
}

}  // namespace
}  // namespace cusp::io
