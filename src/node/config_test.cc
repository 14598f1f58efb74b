#include "node/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace cusp::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

NodeOptions parsed(std::string_view text) {
  auto options = parse_node_config(text, "/etc/cusp/node.toml");
  EXPECT_TRUE(options) << options.error().to_string();
  return options ? std::move(*options) : NodeOptions{};
}

std::string problem(std::string_view text) {
  const auto options = parse_node_config(text, "/etc/cusp/node.toml");
  return options ? "no error" : options.error().to_string();
}

TEST(NodeConfig, ReadsEverySetting) {
  const NodeOptions options = parsed(R"(
state_dir = "/var/lib/cusp"
shards = 3
[[listen]]
address = "0.0.0.0:8080"
[[listen]]
address = "[::]:8443"
tls = [{ certificate = "a.pem", key = "a.key" }, { certificate = "/b.pem", key = "/b.key" }]
[[app]]
path = "shop"
hosts = ["shop.example.com", "*.shop.example.com"]
profile = "production"
variables = { currency = "CHF" }
runtime_config = "runtime.toml"
)");
  EXPECT_EQ(options.state_directory, "/var/lib/cusp");
  EXPECT_EQ(options.shards, 3u);
  ASSERT_EQ(options.listen.size(), 2u);
  EXPECT_EQ(options.listen[0].address, "0.0.0.0");
  EXPECT_EQ(options.listen[0].port, 8080);
  EXPECT_TRUE(options.listen[0].certificates.empty());
  EXPECT_EQ(options.listen[1].address, "::");
  ASSERT_EQ(options.listen[1].certificates.size(), 2u);
  ASSERT_EQ(options.apps.size(), 1u);
  EXPECT_EQ(options.apps[0].path, "/etc/cusp/shop");
  EXPECT_THAT(options.apps[0].hosts, ElementsAre("shop.example.com", "*.shop.example.com"));
  EXPECT_EQ(options.apps[0].profile, "production");
  EXPECT_THAT(options.apps[0].variables, ElementsAre(Pair("currency", "CHF")));
  EXPECT_EQ(options.apps[0].runtime_config, "/etc/cusp/runtime.toml");
}

TEST(NodeConfig, ReadsWhereItsGeoDatabasesAre) {
  const NodeOptions options = parsed(
      "[[listen]]\naddress = \":0\"\n[geo]\ncountry = \"country.mmdb\"\nasn = \"/geo/asn.mmdb\"\n");
  EXPECT_EQ(options.geo.country, "/etc/cusp/country.mmdb");
  EXPECT_EQ(options.geo.city, "");
  EXPECT_EQ(options.geo.asn, "/geo/asn.mmdb");
  EXPECT_THAT(problem("[[listen]]\naddress = \":0\"\n[geo]\ncontry = \"a\"\n"),
              HasSubstr("did you mean 'country'?"));
}

TEST(NodeConfig, KeepsTheDocumentForItsEdge) {
  const NodeOptions options =
      parsed("[[listen]]\naddress = \":0\"\n[edge]\nshedding = true\nanything = 7\n");
  ASSERT_NE(options.document, nullptr);
  EXPECT_TRUE(options.document->root().has("edge"));
}

TEST(NodeConfig, FillsInWhatIsNotSet) {
  const NodeOptions options = parsed("[[listen]]\naddress = \":0\"\n");
  EXPECT_EQ(options.state_directory, default_state_directory());
  EXPECT_EQ(options.shards, 0u);
  EXPECT_TRUE(options.apps.empty());
}

TEST(NodeConfig, NamesThePlaceOfAnUnknownKeyAndTheNearestOne) {
  const std::string text =
      problem("[[listen]]\naddress = \":0\"\n[[app]]\npath = \"a\"\nhost = 1\n");
  EXPECT_THAT(text, HasSubstr("node.toml:5:1"));
  EXPECT_THAT(text, HasSubstr("did you mean 'hosts'?"));
}

TEST(NodeConfig, NamesThePlaceOfAWrongType) {
  EXPECT_THAT(problem("shards = \"two\"\n[[listen]]\naddress = \":0\"\n"),
              HasSubstr("node.toml:1:10"));
}

TEST(NodeConfig, NamesThePlaceOfASyntaxError) {
  EXPECT_THAT(problem("[[listen]]\naddress = \n"), HasSubstr("node.toml:2:"));
}

TEST(NodeConfig, WantsAListener) {
  EXPECT_THAT(problem("shards = 1\n"), HasSubstr("there is no [[listen]]"));
  EXPECT_THAT(problem("[[listen]]\n"), HasSubstr("needs the key 'address'"));
}

TEST(NodeConfig, WantsTheKeyOfACertificate) {
  EXPECT_THAT(problem("[[listen]]\naddress = \":0\"\ntls = [{ certificate = \"a.pem\" }]\n"),
              HasSubstr("'key'"));
}

TEST(NodeConfig, RefusesWhatIsNoHostName) {
  const std::string text =
      problem("[[listen]]\naddress = \":0\"\n[[app]]\npath = \"a\"\nhosts = [\"http://x/\"]\n");
  EXPECT_THAT(text, HasSubstr("'http://x/' in 'hosts'"));
  EXPECT_THAT(text, HasSubstr("node.toml:5:"));
}

TEST(NodeConfig, ReadsWhereS3IsServedAndRefusesADomainThatIsNone) {
  const std::string listen = "[[listen]]\naddress = \":0\"\n";
  EXPECT_FALSE(parsed(listen).s3);
  const auto options = parsed(listen +
                              "[s3]\naddress = \"[::1]:9000\"\ndomain = \"s3.example.com\"\n"
                              "tls = [{ certificate = \"a.pem\", key = \"a.key\" }]\n");
  ASSERT_TRUE(options.s3);
  EXPECT_EQ(options.s3->listen.port, 9000);
  EXPECT_EQ(options.s3->listen.certificates[0].key_file, "/etc/cusp/a.key");
  EXPECT_EQ(options.s3->domain, "s3.example.com");
  EXPECT_THAT(problem(listen + "[s3]\n"), HasSubstr("'address'"));
  EXPECT_THAT(problem(listen + "[s3]\naddress = \":1\"\nkeys = 1\n"), HasSubstr("'keys'"));
  EXPECT_THAT(problem(listen + "[s3]\naddress = \":1\"\ndomain = \"a/b\"\n"),
              HasSubstr("'a/b' in 'domain'"));
}

TEST(NodeConfig, AnAbsentFileIsNamed) {
  const auto options = load_node_config("/nonexistent/node.toml");
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, ErrorCode::kNotFound);
}

TEST(ParseListen, ReadsAddressesAndPorts) {
  EXPECT_EQ(parse_listen("10.0.0.1:80")->address, "10.0.0.1");
  EXPECT_EQ(parse_listen("10.0.0.1:80")->port, 80);
  EXPECT_EQ(parse_listen(":81")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen("localhost:0")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen("[::1]:65535")->address, "::1");
}

TEST(ParseListen, RefusesWhatIsNoAddressWithAPort) {
  for (const char* text :
       {"", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:80", "127.0.0.1:65536",
        "[127.0.0.1]:80", "[]:80", "example.com:80", "127.0.0.1:-1", "127.0.0.1:80 "}) {
    const auto listen = parse_listen(text);
    ASSERT_FALSE(listen) << text;
    EXPECT_EQ(listen.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(listen.error().message, HasSubstr("ADDRESS:PORT"));
  }
}

}  // namespace
}  // namespace cusp::node
