#include "cli/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "app/app.h"
#include "app/test_folder.h"
#include "base/file.h"

namespace cusp::cli {
namespace {

using app::TestFolder;
using testing::HasSubstr;
using testing::Not;

TEST(Templates, AreInTheBinaryWithTheFilesThatLinksPointAt) {
  const auto found = find_template("http-cpp");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->description, "An HTTP handler in C++");
  const TestFolder folder;
  ASSERT_TRUE(create_project(**found, "my-app", folder.path("my-app")));
  for (const char* file : {"Makefile", "src/hello.cc", "generated/hello.h", ".gitignore"})
    EXPECT_TRUE(std::filesystem::is_regular_file(folder.path("my-app/") + file)) << file;
  // A binary file comes through unharmed.
  const auto object = read_file(folder.path("my-app/generated/hello_component_type.o"));
  ASSERT_TRUE(object);
  EXPECT_TRUE(object->starts_with(std::string_view("\0asm", 4)));
}

TEST(Templates, EveryOneHasAManifestThatLoads) {
  EXPECT_GE(templates().size(), 4u);
  for (const auto& one : templates()) {
    const TestFolder folder;
    ASSERT_TRUE(create_project(one, "my-app", folder.path("my-app"))) << one.name;
    const auto loaded = app::load_app(folder.path("my-app"));
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    EXPECT_EQ(loaded->name, "my-app");
    ASSERT_NE(loaded->find_component("my-app"), nullptr);
    EXPECT_TRUE(loaded->find_component("my-app")->build);
    for (const auto& file : one.files) {
      const auto text = read_file(folder.path("my-app/") + std::string(file.path));
      ASSERT_TRUE(text);
      EXPECT_THAT(*text, Not(HasSubstr("{{project-name}}"))) << file.path;
    }
  }
}

TEST(Templates, AnUnknownNameGetsTheNearestOne) {
  const auto found = find_template("http-rist");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.error().message, HasSubstr("did you mean 'http-rust'?"));
}

TEST(CreateProject, RefusesAFolderWithSomethingInIt) {
  const TestFolder folder;
  folder.write("my-app/notes.txt", "mine");
  const auto result = create_project(**find_template("http-rust"), "my-app", folder.path("my-app"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(std::filesystem::exists(folder.path("my-app/cusp.toml")));
}

TEST(CreateProject, RefusesAFileOrALinkToNowhereOfThatName) {
  const TestFolder folder;
  folder.write("file", "mine");
  folder.link("link", "/nonexistent");
  for (const char* name : {"file", "link"}) {
    const auto result = create_project(**find_template("http-rust"), name, folder.path(name));
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::kAlreadyExists);
  }
}

TEST(CreateProject, FillsAnEmptyFolder) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("my-app"));
  EXPECT_TRUE(create_project(**find_template("http-js"), "my-app", folder.path("my-app")));
}

TEST(CheckProjectName, TakesKebabCase) {
  for (const char* name : {"a", "my-app", "app2", "a-b-c"}) EXPECT_TRUE(check_project_name(name));
}

TEST(CheckProjectName, RefusesWhatIsNoComponentId) {
  for (const char* name :
       {"", "My-App", "my_app", "2app", "-app", "app-", "a--b", "a b", "..", "a/b", "ä"}) {
    const auto result = check_project_name(name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cusp::cli
