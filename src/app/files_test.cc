#include "app/files.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <sstream>

#include "app/test_folder.h"

namespace cusp::app {
namespace {

using Shown = std::map<std::string, std::string>;  // destination → source, relative to the folder

class GuestFiles : public testing::Test {
 protected:
  // Loads what `mounts` show. A mount without destination is a path or a pattern.
  Result<Shown> show(std::vector<FileMount> mounts) {
    app_ = App{.directory = folder_.path()};
    for (FileMount& mount : mounts) {
      mount.place = "spin.toml:9:10";
      if (!mount.destination.empty()) mount.source = folder_.path(mount.source);
    }
    app_.components.push_back({.id = "api", .files = std::move(mounts)});
    CUSP_CHECK(expand_files(app_));
    CUSP_TRY(auto files, list_guest_files(app_.components[0], app_.directory));
    Shown shown;
    for (const GuestFile& file : files) {
      shown.emplace(file.destination, file.source.substr(folder_.path().size() + 1));
    }
    return shown;
  }

  void expect_refused(FileMount mount, ErrorCode code) {
    std::string name = mount.source;
    auto shown = show({std::move(mount)});
    ASSERT_FALSE(shown) << name;
    EXPECT_EQ(shown.error().code, code) << name << ": " << shown.error().to_string();
    EXPECT_EQ(shown.error().context, "spin.toml:9:10");
  }

  TestFolder folder_;
  App app_;
};

TEST_F(GuestFiles, APlainPathIsShownAtTheSamePath) {
  folder_.write("a.txt");
  folder_.write("img/x.png");
  folder_.write("img/deep/y.png");
  EXPECT_EQ(*show({{"a.txt"}}), (Shown{{"/a.txt", "a.txt"}}));
  EXPECT_EQ(*show({{"img"}}),
            (Shown{{"/img/x.png", "img/x.png"}, {"/img/deep/y.png", "img/deep/y.png"}}));
  EXPECT_EQ(*show({{"./img/deep/"}}), (Shown{{"/img/deep/y.png", "img/deep/y.png"}}));
}

TEST_F(GuestFiles, APatternShowsWhatItMatches) {
  for (const char* file : {"a.txt", "b.md", "docs/c.txt", "docs/x/d.txt", "docs/.hidden.txt"}) {
    folder_.write(file);
  }
  EXPECT_EQ(*show({{"*.txt"}}), (Shown{{"/a.txt", "a.txt"}}));
  EXPECT_EQ(*show({{"docs/*.txt"}}),
            (Shown{{"/docs/c.txt", "docs/c.txt"}, {"/docs/.hidden.txt", "docs/.hidden.txt"}}));
  EXPECT_EQ(show({{"**/*.txt"}})->size(), 4u);
  EXPECT_EQ(*show({{"*/x/?.txt"}}), (Shown{{"/docs/x/d.txt", "docs/x/d.txt"}}));
  EXPECT_TRUE(show({{"*.png"}})->empty());
  EXPECT_EQ(app_.warnings.at(0), "spin.toml:9:10: the pattern '*.png' matches no file");
}

TEST_F(GuestFiles, APlacementShowsAFolderOrFileElsewhere) {
  folder_.write("assets/index.html");
  folder_.write("assets/css/a.css");
  EXPECT_EQ(*show({{"assets", "/"}}),
            (Shown{{"/index.html", "assets/index.html"}, {"/css/a.css", "assets/css/a.css"}}));
  EXPECT_EQ(*show({{"assets/index.html", "/www/home.html"}}),
            (Shown{{"/www/home.html", "assets/index.html"}}));
  EXPECT_EQ(*show({{"assets/css", "/../x/./y"}}), (Shown{{"/x/y/a.css", "assets/css/a.css"}}));
}

TEST_F(GuestFiles, ExcludePatternsHideFilesOfFoldersAndPatterns) {
  for (const char* file : {"assets/a.js", "assets/a.js.map", "assets/secret/k.pem", "x.map"}) {
    folder_.write(file);
  }
  std::vector<std::string> exclude{"*.map", "assets/secret/*"};
  EXPECT_EQ(*show({{"assets", "/", exclude}}), (Shown{{"/a.js", "assets/a.js"}}));
  EXPECT_EQ(*show({{"**/*", "", exclude}}), (Shown{{"/assets/a.js", "assets/a.js"}}));
  EXPECT_EQ(*show({{"x.map", "", exclude}}), (Shown{{"/x.map", "x.map"}}));
}

TEST_F(GuestFiles, ALaterMountWins) {
  folder_.write("a/f");
  folder_.write("b/f");
  EXPECT_EQ(*show({{"a", "/"}, {"b", "/"}}), (Shown{{"/f", "b/f"}}));
}

TEST_F(GuestFiles, WhatDoesNotExistOrLiesOutsideIsRefused) {
  folder_.write("a.txt");
  expect_refused({"none.txt"}, ErrorCode::kNotFound);
  expect_refused({"none", "/"}, ErrorCode::kNotFound);
  expect_refused({"a.txt", "/folder/"}, ErrorCode::kInvalidArgument);
  for (const char* path :
       {"", ".", "..", "a/..", "a/.", "../x", "/etc/passwd", "x/../../y", "../*", "[", "a**"}) {
    FileMount mount{path};
    auto shown = show({mount});
    ASSERT_FALSE(shown) << path;
    EXPECT_EQ(shown.error().context, "spin.toml:9:10");
  }
  expect_refused({"a.txt", "/a.txt", {"["}}, ErrorCode::kInvalidArgument);
}

TEST_F(GuestFiles, LinksNeverLeadOutOfTheFolder) {
  TestFolder outside;
  std::string secret = outside.write("secret.txt", "s");
  folder_.write("assets/real.txt");
  folder_.link("assets/inside.txt", "real.txt");
  EXPECT_EQ(show({{"assets", "/"}})->size(), 2u);
  folder_.link("assets/folder", outside.path());
  EXPECT_EQ(show({{"assets", "/"}})->size(), 2u) << "links to folders are not followed";
  expect_refused({"assets/folder/secret.txt"}, ErrorCode::kPermissionDenied);
  folder_.link("assets/leak.txt", secret);
  expect_refused({"assets", "/"}, ErrorCode::kPermissionDenied);
  expect_refused({"assets/*.txt"}, ErrorCode::kPermissionDenied);
  expect_refused({"assets/leak.txt"}, ErrorCode::kPermissionDenied);
  EXPECT_EQ(show({{"assets", "/", {"*/leak.txt"}}})->size(), 2u);
  folder_.link("assets/dangling", "nowhere");
  EXPECT_EQ(show({{"assets", "/", {"*/leak.txt"}}})->size(), 2u);
}

TEST_F(GuestFiles, StagingBuildsTheTreeThatTheGuestSees) {
  folder_.write("assets/a/b.txt", "content");
  ASSERT_TRUE(show({{"assets", "/www"}}));
  std::string target = folder_.path("staged");
  auto staged = stage_guest_files(app_.components[0], app_.directory, target);
  ASSERT_TRUE(staged) << staged.error().to_string();
  std::ifstream file(target + "/www/a/b.txt");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), "content");
}

TEST_F(GuestFiles, StagingAFileWhereAFolderMustBeFails) {
  folder_.write("file");
  folder_.write("dir/x");
  ASSERT_TRUE(show({{"file", "/same"}, {"dir", "/same"}}));
  auto staged = stage_guest_files(app_.components[0], app_.directory, folder_.path("staged"));
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().code, ErrorCode::kUnavailable);
}

TEST_F(GuestFiles, TenThousandFilesAreListedQuickly) {
  for (int i = 0; i < 10'000; ++i) {
    folder_.write("many/" + std::to_string(i % 100) + "/" + std::to_string(i));
  }
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(show({{"**/*"}})->size(), 10'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace cusp::app
