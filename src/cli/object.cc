#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/object_files.h"
#include "cli/store_folder.h"
#include "cli/terminal.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;
namespace object = store::object;

constexpr const char* kFooter = R"(Examples:
  cusp object put images/logo.png logo.png        (in an app's folder)
  cusp object get images/logo.png > logo.png
  cusp object list images/ --store media
  cusp object export backup/; cusp object import backup/ --stores-dir /var/lib/cusp/stores

Export writes each object to a file of its key's name below a folder; import puts every file below
one. A node that runs goes on: it does what this asks.
Exit codes: 0 done; 2 a flag or key is wrong; 3 there is no such object, file or folder; 4 the
node is another user's.)";

struct ObjectOptions {
  StoreFolderOptions folder;
  std::string store = "default";
  std::string key;
  std::vector<std::string> keys;
  std::string prefix;
  std::string path = "-";
  std::string media_type;
};

struct Opened {
  std::unique_ptr<StoreFolder> folder;
  std::unique_ptr<object::Session> bucket;  // of the folder
};

Result<Opened> open(const ObjectOptions& options) {
  Opened opened;
  CUSP_TRY(opened.folder, StoreFolder::open(options.folder));
  CUSP_TRY(const auto names, opened.folder->buckets());
  std::vector<std::string> apps;
  for (const auto& name : names) {
    if (apps.empty() || apps.back() != name.app) apps.push_back(name.app);
  }
  CUSP_TRY(const std::string app, opened.folder->app(apps));
  CUSP_TRY(opened.bucket, opened.folder->objects({app, options.store}));
  return opened;
}

Result<> put(const ObjectOptions& options) {
  std::ifstream file;
  if (options.path != "-") file.open(options.path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, "this file cannot be read", options.path);
  CUSP_TRY(const Opened opened, open(options));
  return put_stream(*opened.bucket, options.key, options.path == "-" ? std::cin : file,
                    options.media_type);
}

Result<> get(const ObjectOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  return get_stream(*opened.bucket, options.key, std::cout);
}

Result<> remove(const ObjectOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  for (const auto& key : options.keys) {
    CUSP_CHECK(opened.bucket->remove(key));
  }
  return {};
}

// Calls `each` for every object below the prefix.
template <class Each>
Result<> for_each_object(const Opened& opened, const std::string& prefix, Each each) {
  object::ListOptions options{.prefix = prefix};
  while (true) {
    CUSP_TRY(const object::Listing page, opened.bucket->list(options));
    for (const auto& head : page.objects) CUSP_CHECK(each(head));
    if (!page.next) return {};
    options.after = *page.next;
  }
}

Result<> list(const ObjectOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  return for_each_object(opened, options.prefix, [](const object::Head& head) -> Result<> {
    fmt::print("{:>14} {}\n", head.size, head.key);
    return {};
  });
}

// A part of an object is no object: what cannot be read to its end leaves no file.
Result<> export_one(const Opened& opened, const std::string& key, const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (error || !file) return fail(ErrorCode::kPermissionDenied, "cannot write this file", path);
  auto written = get_stream(*opened.bucket, key, file);
  if (!written) fs::remove(path, error);
  return written;
}

Result<> export_objects(const ObjectOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  size_t count = 0;
  CUSP_CHECK(for_each_object(opened, options.prefix, [&](const object::Head& head) -> Result<> {
    CUSP_TRY(const std::string path, export_path(options.path, head.key));
    ++count;
    return export_one(opened, head.key, path);
  }));
  print_progress(fmt::format("{} {} exported", count, count == 1 ? "object" : "objects"));
  return {};
}

Result<> import_objects(const ObjectOptions& options) {
  std::error_code error;
  fs::recursive_directory_iterator at(options.path, error);
  if (error) return fail(ErrorCode::kNotFound, "this folder cannot be read", options.path);
  CUSP_TRY(const Opened opened, open(options));
  size_t count = 0;
  for (const fs::recursive_directory_iterator end; at != end; at.increment(error)) {
    if (error) break;
    if (!at->is_regular_file(error)) continue;
    const std::string key = options.prefix + at->path().lexically_relative(options.path).string();
    std::ifstream file(at->path(), std::ios::binary);
    if (!file) return fail(ErrorCode::kNotFound, "this file cannot be read", at->path());
    CUSP_CHECK(put_stream(*opened.bucket, key, file, options.media_type));
    ++count;
  }
  if (error) return fail(ErrorCode::kUnavailable, "this folder cannot be read", options.path);
  print_progress(fmt::format("{} {} imported", count, count == 1 ? "object" : "objects"));
  return {};
}

}  // namespace

void add_object(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ObjectOptions>();  // shared: with the callbacks and the flags
  CLI::App* command = app.add_subcommand("object", "Look into object stores and change them");
  command->require_subcommand(1);
  command->footer(kFooter);
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const ObjectOptions&)) {
    CLI::App* sub = command->add_subcommand(verb, what);
    add_store_folder_options(*sub, options->folder);
    sub->add_option("--store", options->store, "The store's name")->capture_default_str();
    sub->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    return sub;
  };
  const auto add_media_type = [&](CLI::App* sub) {
    sub->add_option("--type", options->media_type,
                    "The media type (default: by the end of the key)");
  };
  CLI::App* sub = add("put", "Put an object from a file or standard input", put);
  sub->add_option("key", options->key)->required();
  sub->add_option("file", options->path, "'-' is standard input")->capture_default_str();
  add_media_type(sub);
  add("get", "Print an object", get)->add_option("key", options->key)->required();
  add("list", "Print size and key of the objects that begin with a prefix", list)
      ->add_option("prefix", options->prefix);
  add("delete", "Delete objects", remove)->add_option("keys", options->keys)->required();
  sub = add("export", "Write objects to files below a folder", export_objects);
  sub->add_option("folder", options->path)->required();
  sub->add_option("--prefix", options->prefix, "Only those whose keys begin with it");
  sub = add("import", "Put every file below a folder", import_objects);
  sub->add_option("folder", options->path)->required();
  sub->add_option("--prefix", options->prefix, "What keys begin with, before the files' names");
  add_media_type(sub);
}

}  // namespace cusp::cli
