#include "node/node_edge.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "node/config.h"

namespace cusp::node {
namespace {

std::string problem(const std::string& edge) {
  const auto options = parse_node_config(
      "state_dir = \"/nonexistent\"\n[[listen]]\naddress = \":0\"\n" + edge, "node.toml");
  if (!options) return options.error().to_string();
  const auto result = check_node_edge(*options);
  return result ? "" : result.error().to_string();
}

TEST(NodeEdge, TellsWhatItsFeaturesSayOfConnections) {
  ::unsetenv("CUSP_GEO_DIRECTORY");  // ./x names its database there
  const auto options = parse_node_config(
      "state_dir = \"/nonexistent\"\n[[listen]]\naddress = \":0\"\n[edge]\nbudgets = { connections "
      "= 9 }\n",
      "node.toml");
  ASSERT_TRUE(options) << options.error().to_string();
  const auto edge = read_node_edge(*options, {});
  ASSERT_TRUE(edge) << edge.error().to_string();
  EXPECT_EQ(edge->connections.per_client_max, 9u);
  EXPECT_EQ(edge->plan->entries().size(), 1u);
  EXPECT_EQ(edge->geo, nullptr);
}

TEST(NodeEdge, HasNothingWhenNothingIsSaid) {
  const auto edge = read_node_edge({.state_directory = "/nonexistent"}, {});
  ASSERT_TRUE(edge);
  EXPECT_TRUE(edge->plan->empty());
  EXPECT_EQ(edge->connections.per_client_max, 0u);
}

TEST(NodeEdge, NamesThePlaceOfAMistake) {
  EXPECT_EQ(problem("[edge]\nshedding = true\ncache = true\n"), "");
  EXPECT_NE(problem("[edge]\nsheding = true\n").find("node.toml:5:1"), std::string::npos);
  EXPECT_NE(problem("[edge]\nbudgets = {}\n").find("node.toml:5:11"), std::string::npos);
  EXPECT_NE(problem("[geo]\ncountry = \"/nonexistent/a.mmdb\"\n").find("/nonexistent/a.mmdb"),
            std::string::npos);
}

TEST(DefaultGeoFiles, AreThoseInTheStateFolder) {
  std::string folder = ::testing::TempDir() + "geo-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::filesystem::create_directory(folder + "/geo");
  std::ofstream(folder + "/geo/country.mmdb") << "x";
  ::unsetenv("CUSP_GEO_DIRECTORY");
  EXPECT_EQ(default_geo_files(folder).country, folder + "/geo/country.mmdb");
  EXPECT_EQ(default_geo_files(folder).city, "");
  ::setenv("CUSP_GEO_DIRECTORY", (folder + "/geo").c_str(), 1);
  EXPECT_EQ(default_geo_files("/nonexistent").country, folder + "/geo/country.mmdb");
  ::setenv("CUSP_GEO_DIRECTORY", "/nonexistent", 1);
  EXPECT_TRUE(default_geo_files(folder).empty());
  ::unsetenv("CUSP_GEO_DIRECTORY");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cusp::node
