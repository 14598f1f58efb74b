#include "base/table_reader.h"

#include <gtest/gtest.h>

#include "base/suggest.h"

namespace cusp {
namespace {

using namespace std::chrono_literals;

TEST(TableReader, TypedGettersReadWhatIsThereAndNothingElse) {
  auto file = TomlFile::parse(R"(
name = "x"
count = 3
on = true
list = ["a", "b"]
wait = "250ms"
size = "64KiB"
[map]
z = "1"
a = "2"
[[item]]
id = 1
[[item]]
id = 2
)",
                              "t.toml");
  ASSERT_TRUE(file);
  TableReader root = file->root();
  EXPECT_EQ(root.required_string("name"), "x");
  EXPECT_EQ(root.string_or("absent", "fallback"), "fallback");
  EXPECT_EQ(root.integer("count", 0, 10), 3);
  EXPECT_EQ(root.boolean("on"), true);
  EXPECT_EQ(root.strings("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.value("wait")->duration(), 250ms);
  EXPECT_EQ(root.value("size")->bytes(), 65536u);
  EXPECT_EQ(root.string_map("map").at("a"), "2");
  auto items = root.tables("item");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].integer("id", 0, 9), 2);
  EXPECT_EQ(items[1].place(), "t.toml:13:1");
  root.finish();
  EXPECT_TRUE(file->diagnostics().result());
}

TEST(TableReader, EntriesComeInTheOrderOfTheFile) {
  auto file = TomlFile::parse("[m]\nz = 1\nb = 2\na = 3\n", "t.toml");
  auto table = file->root().table("m");
  std::string order;
  for (const auto& entry : table->entries()) order += entry.key;
  EXPECT_EQ(order, "zba");
}

struct Case {
  std::string_view text;
  std::string_view place;
  std::string_view message;
};

TEST(TableReader, WrongTypesAndUnknownKeysGiveTheirPlace) {
  for (const auto& [text, place, message] : {
           Case{"name = 1", "t.toml:1:8", "'name' must be a string, not an integer"},
           {"\n\n  list = 'x'", "t.toml:3:10", "'list' must be an array of strings, not a string"},
           {"list = ['a', 2]", "t.toml:1:14", "'list[1]' must be a string, not an integer"},
           {"on = 'yes'", "t.toml:1:6", "'on' must be true or false, not a string"},
           {"count = 1.5", "t.toml:1:9", "'count' must be an integer, not a float"},
           {"count = 11", "t.toml:1:9", "'count' must be between 0 and 10, not 11"},
           {"wait = '5'", "t.toml:1:8", "'wait': '5' is not a duration"},
           {"size = 5", "t.toml:1:8", "'size' must be a string, not an integer"},
           {"sub = []", "t.toml:1:7", "'sub' must be a table, not an array"},
           {"item = {}", "t.toml:1:8", "'item' must be an array of tables ([[item]]), not a table"},
           {"nam = 'x'", "t.toml:1:1", "unknown key 'nam' in the file; did you mean 'name'?"},
           {"zebra = 1", "t.toml:1:1", "unknown key 'zebra' in the file; known: count, item, list"},
           {"name = 1\n[x]\n", "t.toml:2:2", "unknown key 'x'"},
       }) {
    auto file = TomlFile::parse(text, "t.toml");
    ASSERT_TRUE(file) << text;
    TableReader root = file->root();
    root.string("name");
    root.strings("list");
    root.boolean("on");
    root.integer("count", 0, 10);
    if (auto wait = root.value("wait")) wait->duration();
    if (auto size = root.value("size")) size->bytes();
    root.table("sub");
    root.tables("item");
    root.finish();
    auto result = file->diagnostics().result();
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().context, place) << text;
    EXPECT_EQ(result.error().message.substr(0, message.size()), message) << text;
  }
}

TEST(TableReader, AnUnknownKeyIsReportedBeforeTheKeyThatItShouldHaveBeen) {
  auto file = TomlFile::parse("[component]\nsorce = 'x'\n", "t.toml");
  auto table = file->root().table("component");
  table->required_string("source");
  table->finish();
  EXPECT_EQ(file->diagnostics().result().error().to_string(),
            "t.toml:2:1: unknown key 'sorce' in 'component'; did you mean 'source'?");
}

TEST(TableReader, TextThatIsNotTomlGivesThePlaceOfTheMistake) {
  for (std::string_view text :
       {"name = ", "a = 1\na = 2", "[x", "= 1", "x = 'a", "\xff = 1", "x = 0x", "[a]\n[a]\n"}) {
    auto file = TomlFile::parse(text, "bad.toml");
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(file.error().context.starts_with("bad.toml:")) << file.error().context;
  }
}

TEST(TableReader, ATextNestedWithoutEndIsRefused) {
  EXPECT_FALSE(TomlFile::parse("x = " + std::string(100'000, '['), "deep.toml"));
}

TEST(TableReader, AnAbsentFileIsNotFoundAndAFolderUnreadable) {
  EXPECT_EQ(TomlFile::read("/nonexistent/x.toml").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(TomlFile::read("/"));
}

TEST(Suggest, OffersTheNearestNameOrLists) {
  std::vector<std::string> names{"source", "files", "environment"};
  EXPECT_EQ(suggest("sorce", names), "; did you mean 'source'?");
  EXPECT_EQ(suggest("flies", names), "; did you mean 'files'?");
  EXPECT_EQ(suggest("file", names), "; did you mean 'files'?");
  EXPECT_EQ(suggest("enviroment", names), "; did you mean 'environment'?");
  EXPECT_EQ(suggest("xyz", names), "; known: source, files, environment");
  EXPECT_EQ(suggest(std::string(1000, 's'), names), "; known: source, files, environment");
  EXPECT_EQ(suggest("x", {}), "");
}

}  // namespace
}  // namespace cusp
