#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "cli/command.h"
#include "cli/kv_lines.h"
#include "cli/store_folder.h"
#include "cli/terminal.h"
#include "store/queue/queue.h"

namespace cusp::cli {

namespace {

using nlohmann::json;
namespace kv = store::kv;

constexpr const char* kFooter = R"(Examples:
  cusp kv set greeting hello                      (in an app's folder)
  cusp kv set token --ttl 1h < token.txt
  cusp kv list user/ --store sessions
  cusp kv export > backup.jsonl; cusp kv import backup.jsonl --stores-dir /var/lib/cusp/stores

Export writes a line of JSON for each key: "key", "value" or "value_base64", "metadata" and
"expires" (milliseconds since 1970) where there are any. Import reads the same.
A node that runs goes on: it does what this asks.
Exit codes: 0 done; 2 a flag, key or line is wrong; 3 there is no such key or folder; 4 the node is
another user's.)";

constexpr size_t kImportBatch = 500;  // keys that are written at once

struct KvOptions {
  StoreFolderOptions folder;
  std::string store = "default";
  std::string key;
  std::vector<std::string> keys;
  std::optional<std::string> value;
  std::string metadata;
  std::string ttl;
  std::string prefix;
  std::string file = "-";
  bool json = false;
};

// What a verb works with. The folder outlives the store.
struct Opened {
  std::unique_ptr<StoreFolder> folder;
  std::shared_ptr<kv::Store> store;
};

Result<Opened> open(const KvOptions& options) {
  Opened opened;
  CUSP_TRY(opened.folder, StoreFolder::open(options.folder));
  CUSP_TRY(const auto names, opened.folder->key_value_stores());
  std::vector<std::string> apps;
  for (const auto& name : names) {
    if (apps.empty() || apps.back() != name.app) apps.push_back(name.app);
  }
  CUSP_TRY(const std::string app, opened.folder->app(apps));
  CUSP_TRY(opened.store, opened.folder->key_values({app, options.store}));
  return opened;
}

Result<> get(const KvOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  CUSP_TRY(const auto entry, opened.folder->wait(opened.store->get(options.key)));
  if (!entry) return fail(ErrorCode::kNotFound, fmt::format("there is no key '{}'", options.key));
  std::cout.write(entry->value.data(), static_cast<std::streamsize>(entry->value.size()));
  std::cout.flush();
  return {};
}

Result<> set(const KvOptions& options) {
  auto change = kv::Change::set(options.key, options.value.value_or(""));
  change.metadata = options.metadata;
  if (!options.value) {
    change.value.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  if (!options.ttl.empty()) {
    CUSP_TRY(const auto ttl, parse_duration(options.ttl));
    change.expires =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) +
        ttl;
  }
  CUSP_TRY(const Opened opened, open(options));
  kv::Write write{std::move(change)};
  CUSP_CHECK(opened.folder->wait(opened.store->write(std::move(write))));
  return {};
}

Result<> remove(const KvOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  kv::Write write;
  for (const auto& key : options.keys) write.push_back(kv::Change::erase(key));
  CUSP_CHECK(opened.folder->wait(opened.store->write(std::move(write))));
  return {};
}

// Calls `each` for every key below the prefix.
template <class Each>
Result<> for_each_key(const Opened& opened, const std::string& prefix, Each each) {
  std::optional<std::string> after = "";
  while (after) {
    kv::ListOptions options{.prefix = prefix, .after = *after};
    CUSP_TRY(kv::Page page, opened.folder->wait(opened.store->list(std::move(options))));
    for (const auto& listed : page.keys) CUSP_CHECK(each(listed));
    after = std::move(page.next);
  }
  return {};
}

Result<> list(const KvOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  return for_each_key(opened, options.prefix, [&](const kv::Listed& listed) -> Result<> {
    if (options.json) {
      fmt::print("{}\n", to_line({.metadata = listed.metadata, .expires = listed.expires},
                                 listed.key, false));
    } else {
      fmt::print("{}\n", listed.key);
    }
    return {};
  });
}

Result<> export_keys(const KvOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  return for_each_key(opened, options.prefix, [&](const kv::Listed& listed) -> Result<> {
    CUSP_TRY(const auto entry, opened.folder->wait(opened.store->get(listed.key)));
    if (entry) fmt::print("{}\n", to_line(*entry, listed.key, true));
    return {};
  });
}

Result<> import_keys(const KvOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  std::ifstream file;
  if (options.file != "-") file.open(options.file);
  if (!file) return fail(ErrorCode::kNotFound, "this file cannot be read", options.file);
  std::istream& in = options.file == "-" ? std::cin : file;
  kv::Write batch;
  size_t bytes = 0;
  size_t count = 0;
  Progress progress("keys");
  const auto flush = [&]() -> Result<> {
    count += batch.size();
    progress.add(batch.size());
    bytes = 0;
    CUSP_CHECK(opened.folder->wait(opened.store->write(std::exchange(batch, {}))));
    return {};
  };
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    auto change = from_line(line);
    if (!change) {
      return fail(change.error().code, change.error().message,
                  fmt::format("{}:{}", options.file, number));
    }
    bytes += change->value.size();
    batch.push_back(std::move(*change));
    if (batch.size() >= kImportBatch || bytes > limits::kKvValueBytesMax) CUSP_CHECK(flush());
  }
  CUSP_CHECK(flush());
  print_progress(fmt::format("{} {} imported", count, count == 1 ? "key" : "keys"));
  return {};
}

Result<> stores(const KvOptions& options) {
  CUSP_TRY(const auto folder, StoreFolder::open(options.folder));
  CUSP_TRY(const auto names, folder->key_value_stores());
  for (const auto& name : names) {
    if (!store::queue::queue_of(name.store)) fmt::print("{} {}\n", name.app, name.store);
  }
  return {};
}

}  // namespace

void add_kv(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<KvOptions>();  // shared: with the callbacks and the flags
  CLI::App* command = app.add_subcommand("kv", "Look into key-value stores and change them");
  command->require_subcommand(1);
  command->footer(kFooter);
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const KvOptions&)) {
    CLI::App* sub = command->add_subcommand(verb, what);
    add_store_folder_options(*sub, options->folder);
    sub->add_option("--store", options->store, "The store's name")->capture_default_str();
    sub->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    return sub;
  };
  add("get", "Print the value of a key", get)->add_option("key", options->key)->required();
  CLI::App* sub = add("set", "Set a key to a value, or to what standard input says", set);
  sub->add_option("key", options->key)->required();
  sub->add_option("value", options->value);
  sub->add_option("--ttl", options->ttl, "How long it lives: 30s, 5m, 2h");
  sub->add_option("--metadata", options->metadata, "A text that is kept beside the value");
  sub = add("list", "Print the keys that begin with a prefix", list);
  sub->add_option("prefix", options->prefix);
  sub->add_flag("--json", options->json, "A line of JSON for each, with metadata and expiry");
  add("delete", "Delete keys, all or none", remove)->add_option("keys", options->keys)->required();
  add("export", "Print every key as a line of JSON", export_keys)
      ->add_option("prefix", options->prefix);
  add("import", "Set the keys that lines of JSON tell", import_keys)
      ->add_option("file", options->file, "A file; '-' is standard input")
      ->capture_default_str();
  add("stores", "Print the stores that hold something: app and name", stores);
}

}  // namespace cusp::cli
