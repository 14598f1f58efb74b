#include "edge/assets/assets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPage = "<h1>home</h1>";
constexpr std::string_view kScript = "console.log('this is app.js, fifty bytes of it ...');";

// A folder of files, and a route that leads to it.
class AssetsTest : public ::testing::Test {
 protected:
  AssetsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "cusp-assets-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("public/index.html", kPage);
    write("public/js/app.js", kScript);
    write("public/docs/index.html", "docs");
    write("public/.env", "SECRET=1");
    write("public/.well-known/security.txt", "mail us");
    write("secret.txt", "outside");
  }
  ~AssetsTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& path, std::string_view text) {
    const auto full = folder_ / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
    // Old enough to be read at once.
    std::filesystem::last_write_time(full, std::filesystem::file_time_type::clock::now() - 1h);
  }

  // What `assets` says; empty: nothing is wrong with it.
  std::string read(std::string_view assets) {
    auto file = TomlFile::parse(fmt::format("assets = {}\n", assets), "cusp.toml");
    if (!file) return file.error().to_string();
    TableReader root = file->root();
    assets_ = read_assets(*root.value("assets"),
                          {.directory = folder_.string(), .app = "shop", .blocking = &blocking_});
    const auto result = file->diagnostics().result();
    return result ? "" : result.error().to_string();
  }

  using FieldList = std::vector<std::pair<std::string, std::string>>;
  http::Response send(std::string method, std::string target, const FieldList& fields = {}) {
    if (!assets_) EXPECT_EQ(read("\"public\""), "");
    http::Request request{.method = std::move(method), .target = std::move(target)};
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    const std::string below = request.target.substr(0, request.target.find('?'));
    return run(assets_->respond(request, below));
  }
  http::Response get(std::string target, const FieldList& fields = {}) {
    return send("GET", std::move(target), fields);
  }

  std::string text(http::Response& response) {
    std::string text;
    while (response.body) {
      auto part = run(response.body->read());
      if (!part) return text + " (broken off)";
      EXPECT_LE(part->data.size(), limits::kBodyChunkBytes);
      text += part->data;
      if (part->end) break;
    }
    return text;
  }
  std::string text(http::Response&& response) { return text(response); }

  template <class T>
  T run(io::Task<T> task) {
    std::optional<T> result;
    io::asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr error, T value) {
      EXPECT_FALSE(error);
      result.emplace(std::move(value));
    });
    const auto work = io::asio::make_work_guard(loop_);  // what is in the pool is no work of it
    loop_.restart();
    while (!result) loop_.run_one();
    return std::move(*result);
  }

  static std::string field(const http::Response& response, std::string_view name) {
    return response.fields.get_all(name).value_or("(none)");
  }

  std::filesystem::path folder_;
  io::asio::io_context loop_;
  io::BlockingPool blocking_{2};
  std::shared_ptr<const Assets> assets_;
};

TEST_F(AssetsTest, AFileIsSentWithWhatClientsAndCachesNeedToKnowOfIt) {
  auto response = get("/js/app.js");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(field(response, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(field(response, "x-content-type-options"), "nosniff");
  EXPECT_EQ(field(response, "cache-control"), "public, max-age=0, must-revalidate");
  EXPECT_EQ(field(response, "accept-ranges"), "bytes");
  EXPECT_TRUE(field(response, "etag").starts_with('"'));
  EXPECT_EQ(field(response, "vary"), "(none)");
  EXPECT_EQ(response.body->size(), kScript.size());
  EXPECT_EQ(text(response), kScript);
}

TEST_F(AssetsTest, TheSameBytesHaveTheSameTagWhereverTheyLie) {
  write("public/copy.js", kScript);
  EXPECT_EQ(field(get("/copy.js"), "etag"), field(get("/js/app.js"), "etag"));
  EXPECT_NE(field(get("/"), "etag"), field(get("/js/app.js"), "etag"));
}

TEST_F(AssetsTest, AFolderIsItsIndexAndGetsItsSlashFirst) {
  EXPECT_EQ(text(get("/")), kPage);
  EXPECT_EQ(text(get("/docs/")), "docs");
  const auto response = get("/docs?a=b");
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(field(response, "location"), "/docs/?a=b");
}

TEST_F(AssetsTest, NothingOutsideOfTheFolderIsEverSent) {
  std::filesystem::create_symlink("../secret.txt", folder_ / "public/link.txt");
  std::filesystem::create_symlink(folder_ / "secret.txt", folder_ / "public/absolute.txt");
  std::filesystem::create_directory_symlink("..", folder_ / "public/up");
  std::filesystem::create_symlink("/proc/self/environ", folder_ / "public/magic");
  std::filesystem::create_symlink("loop", folder_ / "public/loop");
  ASSERT_EQ(::mkfifo((folder_ / "public/pipe").c_str(), 0600), 0);
  const std::string kHostile[] = {
      "/../secret.txt",
      "/..%2fsecret.txt",
      "/%2e%2e/secret.txt",
      "/%2e%2e%2fsecret.txt",
      "/.%2e/secret.txt",
      "/%252e%252e/secret.txt",
      "/docs/../../secret.txt",
      "/docs/..",
      "/js/../js/app.js",
      "/./js/app.js",
      "/..\\secret.txt",
      "/%5c..%5csecret.txt",
      "/%c0%ae%c0%ae/secret.txt",
      "//etc/passwd",
      "/%2fetc/passwd",
      "//js/app.js",
      "/js//app.js",
      "/js%2fapp.js",
      "/js/app.js/",
      "/js/app.js/x",
      "/js/app.js%00.html",
      "/js/app.js%",
      "/js/app.js%2",
      "/.env",
      "/%2eenv",
      "/.git/config",
      "/link.txt",
      "/absolute.txt",
      "/up/secret.txt",
      "/magic",
      "/loop",
      "/pipe",
      "/js/",  // a folder without an index is not listed
      "/" + std::string(300, 'a'),
      "/" + std::string(8000, 'a'),
  };
  for (const auto& target : kHostile) {
    auto response = get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(text(response), "Not Found\n") << target;
  }
}

TEST_F(AssetsTest, AnUnreadableFileIsNotThere) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ::chmod((folder_ / "public/js/app.js").c_str(), 0);
  EXPECT_EQ(get("/js/app.js").status, 404);
}

TEST_F(AssetsTest, ALinkThatStaysInsideIsFollowed) {
  std::filesystem::create_symlink("app.js", folder_ / "public/js/latest.js");
  EXPECT_EQ(text(get("/js/latest.js")), kScript);
}

TEST_F(AssetsTest, DotfilesAreSentWhereTheManifestSaysSo) {
  EXPECT_EQ(text(get("/.well-known/security.txt")), "mail us");
  ASSERT_EQ(read("{ root = \"public\", dotfiles = true }"), "");
  EXPECT_EQ(text(get("/.env")), "SECRET=1");
  EXPECT_EQ(get("/../secret.txt").status, 404);
}

TEST_F(AssetsTest, ARedirectNeverLeadsToAnotherHost) {
  write("public/evil.example/index.html", "x");
  ASSERT_EQ(read("\"public\""), "");
  http::Request request{.method = "GET", .target = "//evil.example"};
  const auto response = run(assets_->respond(request, "/evil.example"));
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(field(response, "location"), "/evil.example/");
}

TEST_F(AssetsTest, OnlyReadingIsAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const auto response = send(method, "/");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(field(response, "allow"), "GET, HEAD");
  }
  EXPECT_EQ(send("HEAD", "/").body->size(), kPage.size());
}

TEST_F(AssetsTest, ConditionsAreAnsweredInTheOrderOfTheStandard) {
  const auto first = get("/js/app.js");
  const std::string etag = field(first, "etag");
  const std::string modified = field(first, "last-modified");
  const std::string old = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::tuple<FieldList, int> kCases[] = {
      {{{"if-none-match", etag}}, 304},
      {{{"if-none-match", "W/" + etag}}, 304},
      {{{"if-none-match", "\"x\", " + etag}}, 304},
      {{{"if-none-match", "*"}}, 304},
      {{{"if-none-match", "\"x\""}}, 200},
      {{{"if-none-match", "\"x\""}, {"if-modified-since", modified}}, 200},
      {{{"if-modified-since", modified}}, 304},
      {{{"if-modified-since", old}}, 200},
      {{{"if-modified-since", "yesterday"}}, 200},
      {{{"if-match", etag}}, 200},
      {{{"if-match", "*"}}, 200},
      {{{"if-match", "W/" + etag}}, 412},
      {{{"if-match", "\"x\""}}, 412},
      {{{"if-unmodified-since", modified}}, 200},
      {{{"if-unmodified-since", old}}, 412},
      {{{"if-unmodified-since", "garbage"}}, 200},
      {{{"if-match", "\"x\""}, {"if-none-match", etag}}, 412},
      {{{"range", "bytes=0-3"}, {"if-none-match", etag}}, 304},
      {{{"range", "bytes=0-3"}, {"if-range", etag}}, 206},
      {{{"range", "bytes=0-3"}, {"if-range", "W/" + etag}}, 200},
      {{{"range", "bytes=0-3"}, {"if-range", "\"x\""}}, 200},
      {{{"range", "bytes=0-3"}, {"if-range", modified}}, 206},
      {{{"range", "bytes=0-3"}, {"if-range", old}}, 200},
  };
  for (const auto& [fields, status] : kCases) {
    const auto response = get("/js/app.js", fields);
    EXPECT_EQ(response.status, status) << fields[0].first << ": " << fields[0].second;
    if (status == 304) EXPECT_EQ(field(response, "etag"), etag);
    if (status == 304) EXPECT_FALSE(response.body);
  }
}

TEST_F(AssetsTest, RangesAreBoundedAndExact) {
  const size_t size = kScript.size();
  const std::tuple<std::string, int, std::string> kCases[] = {
      {"bytes=0-6", 206, "console"},
      {"bytes=-3", 206, std::string(kScript.substr(size - 3))},
      {"bytes=50-", 206, std::string(kScript.substr(50))},
      {"bytes=0-99999999999999999999", 206, std::string(kScript)},
      {"bytes=99-", 416, ""},
      {"bytes=-0", 416, ""},
      {"bytes=3-1", 200, std::string(kScript)},
      {"bytes=a-b", 200, std::string(kScript)},
      {"chapters=1-2", 200, std::string(kScript)},
      {"bytes=0-,0-,0-,0-", 200, std::string(kScript)},  // overlapping
      {"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,"
       "30-30,32-32",
       200, std::string(kScript)},  // too many
  };
  for (const auto& [range, status, expected] : kCases) {
    auto response = get("/js/app.js", {{"range", range}});
    EXPECT_EQ(response.status, status) << range;
    if (status != 416) EXPECT_EQ(text(response), expected) << range;
    if (status == 416) {
      EXPECT_EQ(field(response, "content-range"), fmt::format("bytes */{}", size));
    }
  }
  EXPECT_EQ(field(get("/js/app.js", {{"range", "bytes=0-6"}}), "content-range"),
            fmt::format("bytes 0-6/{}", size));
}

TEST_F(AssetsTest, SeveralRangesComeInParts) {
  auto response = get("/js/app.js", {{"range", "bytes=0-6, -2"}});
  EXPECT_EQ(response.status, 206);
  const std::string type = field(response, "content-type");
  const std::string boundary = type.substr(type.find('=') + 1);
  const size_t size = *response.body->size();
  const std::string body = text(response);
  EXPECT_EQ(body.size(), size);
  const auto part = [&](size_t first, size_t last) {
    return fmt::format(
        "\r\n--{}\r\ncontent-type: text/javascript; charset=utf-8\r\n"
        "content-range: bytes {}-{}/{}\r\n\r\n{}",
        boundary, first, last, kScript.size(), kScript.substr(first, last + 1 - first));
  };
  const size_t end = kScript.size();
  EXPECT_EQ(body, part(0, 6) + part(end - 2, end - 1) + fmt::format("\r\n--{}--\r\n", boundary));
}

TEST_F(AssetsTest, WhatWasCompressedBeforehandIsSentToWhomItSuits) {
  write("public/js/app.js.br", "BR");
  write("public/js/app.js.gz", "GZIP");
  const std::tuple<std::string, std::string, std::string> kCases[] = {
      {"gzip, br", "br", "BR"},
      {"gzip;q=1, br;q=0.5", "gzip", "GZIP"},
      {"gzip", "gzip", "GZIP"},
      {"zstd", "(none)", std::string(kScript)},
      {"br;q=0, *", "gzip", "GZIP"},
      {"identity, br;q=0.9", "(none)", std::string(kScript)},
      {"br;q=2", "(none)", std::string(kScript)},
      {"BR", "br", "BR"},
      {"", "(none)", std::string(kScript)},
  };
  for (const auto& [accept, encoding, body] : kCases) {
    auto response = get("/js/app.js", {{"accept-encoding", accept}});
    EXPECT_EQ(field(response, "content-encoding"), encoding) << accept;
    EXPECT_EQ(field(response, "vary"), "accept-encoding") << accept;
    EXPECT_EQ(field(response, "content-type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(text(response), body) << accept;
  }
  const auto plain = get("/js/app.js");
  EXPECT_NE(field(plain, "etag"), field(get("/js/app.js", {{"accept-encoding", "br"}}), "etag"));
  EXPECT_EQ(text(get("/js/app.js", {{"accept-encoding", "gzip"}, {"range", "bytes=1-2"}})), "ZI");
}

TEST_F(AssetsTest, AnApplicationOfOnePageGetsItsPageForPathsOfItsOwn) {
  ASSERT_EQ(
      read("{ root = \"public\", fallback = \"index.html\", not_found = \"docs/index.html\" }"),
      "");
  EXPECT_EQ(text(get("/users/7")), kPage);
  EXPECT_EQ(get("/users/7").status, 200);
  EXPECT_EQ(text(get("/report.pdf", {{"accept", "text/html,*/*"}})), kPage);
  auto missing = get("/gone.js", {{"accept", "*/*"}});
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(text(missing), "docs");
  // Of another page than the one asked for, no part and no condition is meant.
  EXPECT_EQ(get("/gone.js", {{"range", "bytes=0-1"}, {"if-none-match", "*"}}).status, 404);
}

TEST_F(AssetsTest, CachesAreToldByPatternHowLong) {
  ASSERT_EQ(
      read("{ root = \"public\", immutable = [\"js/*\"], types = { \".env\" = \"text/x-env\" }, "
           "dotfiles = true, cache_control = { \"*.html\" = \"no-cache\", \"*\" = \"max-age=60\" } "
           "}"),
      "");
  EXPECT_EQ(field(get("/js/app.js"), "cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(field(get("/docs/"), "cache-control"), "no-cache");
  EXPECT_EQ(field(get("/.env"), "cache-control"), "max-age=60");
  EXPECT_EQ(field(get("/.env"), "content-type"), "text/x-env");
}

TEST_F(AssetsTest, ANewVersionIsSentSoon) {
  EXPECT_EQ(text(get("/docs/")), "docs");
  write("public/docs/index.html", "newer");
  std::this_thread::sleep_for(AssetStore::kCheckInterval * 2);
  EXPECT_EQ(text(get("/docs/")), "newer");
  std::filesystem::remove(folder_ / "public/docs/index.html");
  std::this_thread::sleep_for(AssetStore::kCheckInterval * 2);
  EXPECT_EQ(get("/docs/").status, 404);
}

TEST_F(AssetsTest, AFolderThatABuildPutsInItsPlaceCounts) {
  EXPECT_EQ(text(get("/docs/")), "docs");
  std::filesystem::rename(folder_ / "public", folder_ / "old");
  write("public/fresh.txt", "fresh");
  EXPECT_EQ(text(get("/fresh.txt")), "fresh");
}

TEST_F(AssetsTest, ALargeFileIsStreamed) {
  std::string large;
  while (large.size() < 3 * kAssetInMemoryBytesMax) large += fmt::format("{:08}", large.size());
  write("public/large.bin", large);
  auto response = get("/large.bin");
  EXPECT_EQ(response.body->size(), large.size());
  EXPECT_FALSE(response.body->ready());
  EXPECT_TRUE(text(response) == large);
  EXPECT_TRUE(text(get("/large.bin", {{"range", "bytes=300000-400000"}})) ==
              large.substr(300000, 100001));
}

TEST_F(AssetsTest, AFileThatChangesWhileItIsSentBreaksOff) {
  const std::string large(3 * kAssetInMemoryBytesMax, 'a');
  for (const bool shorter : {false, true}) {
    write("public/large.bin", large);
    std::this_thread::sleep_for(AssetStore::kCheckInterval * 2);
    auto response = get("/large.bin");
    const auto part = run(response.body->read());
    ASSERT_TRUE(part);
    std::ofstream(folder_ / "public/large.bin") << std::string(shorter ? 10 : large.size(), 'b');
    const std::string rest = text(response);
    EXPECT_EQ(rest, " (broken off)");
  }
}

TEST_F(AssetsTest, AFileThatIsReplacedWhileItIsSentIsSentToItsEnd) {
  const std::string large(3 * kAssetInMemoryBytesMax, 'a');
  write("public/large.bin", large);
  auto response = get("/large.bin");
  write("public/new.bin", "b");
  std::filesystem::rename(folder_ / "public/new.bin", folder_ / "public/large.bin");
  EXPECT_TRUE(text(response) == large);
}

TEST_F(AssetsTest, WhatIsWrongInTheManifestIsSaid) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"\"nowhere\"", "there is no folder"},
      {"7", "a folder or a table"},
      {"{ index = \"a\" }", "root"},
      {"{ root = \"public\", indx = \"a\" }", "did you mean 'index'"},
      {"{ root = \"public\", index = \"../a\" }", "not the name of a file"},
      {"{ root = \"public\", fallback = \"/a\" }", "not the name of a file"},
      {"{ root = \"public\", cache_control = \"a\\r\\nb: c\" }", "cannot stand in a header field"},
      {"{ root = \"public\", types = { foo = \"text/foo\" } }", "not the end of a name"},
      {"{ root = \"public\", dotfiles = \"yes\" }", "true or false"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = read(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
