#include "cli/store_folder.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>

#include "app/app.h"
#include "cli/serve_options.h"
#include "node/node.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

// The name of the application whose folder this is; empty: it is none's, or its manifest has a
// mistake, which is for `cusp dev` to tell.
std::string app_here() {
  const auto app = app::load_app(".");
  return app ? app->name : "";
}

}  // namespace

void add_store_folder_options(CLI::App& command, StoreFolderOptions& options) {
  command.add_option("--app", options.app,
                     "The application whose store it is (default: the one of this folder, or the "
                     "only one there)");
  command.add_option("--stores-dir", options.stores_directory,
                     "The folder of the stores (default: .cusp/stores in an app's folder, as `cusp "
                     "dev` and `cusp serve` make it; elsewhere that of the state folder)");
  command.add_option("--state-dir", options.state_directory,
                     "The state folder of the node whose stores they are");
}

std::string StoreFolder::directory_of(const StoreFolderOptions& options) {
  if (!options.stores_directory.empty()) return options.stores_directory;
  if (!options.state_directory.empty()) return options.state_directory + "/stores";
  std::error_code ignored;
  const std::string here = app_stores_directory(".");
  const bool apps = fs::is_directory(here, ignored) || !app_here().empty();
  return apps ? here : node::default_state_directory() + "/stores";
}

Result<std::unique_ptr<StoreFolder>> StoreFolder::open(const StoreFolderOptions& options) {
  const std::string directory = directory_of(options);
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    return fail(ErrorCode::kNotFound,
                "there are no stores here; name their folder with --stores-dir or --state-dir",
                directory);
  }
  std::string app = options.app;
  if (app.empty() && directory == app_stores_directory(".")) app = app_here();
  std::unique_ptr<StoreFolder> folder(new StoreFolder(directory, std::move(app)));
  auto node = store::remote::Client::connect(directory);
  if (!node && node.error().code != ErrorCode::kNotFound) {
    return std::unexpected(std::move(node).error());
  }
  if (node) folder->node_ = std::move(*node);
  return folder;
}

Result<std::vector<store::kv::StoreName>> StoreFolder::key_value_stores() {
  if (node_) return node_->stores();
  CUSP_TRY(store::kv::Database * database, stores_.key_values());
  return database->stores();
}

Result<std::shared_ptr<store::kv::Store>> StoreFolder::key_values(
    const store::kv::StoreName& name) {
  if (node_) return node_->key_values(name);
  CUSP_TRY(store::kv::Database * database, stores_.key_values());
  return database->store(name);
}

Result<std::shared_ptr<store::sql::Database>> StoreFolder::sql(const std::string& app,
                                                               const std::string& name) {
  if (node_) return node_->sql(app, name);
  return stores_.sql(app, name);
}

Result<std::vector<store::kv::StoreName>> StoreFolder::buckets() {
  if (node_) return node_->buckets();
  CUSP_TRY(store::object::Objects * objects, stores_.objects());
  return wait(objects->buckets());
}

Result<std::unique_ptr<store::object::Session>> StoreFolder::objects(
    const store::kv::StoreName& name) {
  if (node_) return node_->objects(name);
  CUSP_TRY(store::object::Objects * objects, stores_.objects());
  CUSP_TRY(auto bucket, objects->bucket(name));
  return store::object::make_session(std::move(bucket));
}

Result<std::string> StoreFolder::snapshot() {
  return node_ ? node_->snapshot() : stores_.snapshot();
}

Result<std::string> StoreFolder::app(const std::vector<std::string>& known) const {
  if (!app_.empty()) return app_;
  if (known.size() == 1) return known.front();
  if (known.empty()) {
    return fail(ErrorCode::kNotFound, "no application keeps anything here yet; name one with --app",
                stores_.directory());
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("several applications keep something here; name one of {} with --app",
                          fmt::join(known, ", ")),
              stores_.directory());
}

std::vector<std::string> StoreFolder::sql_apps() const {
  std::error_code ignored;
  std::vector<std::string> apps;
  for (const auto& folder : fs::directory_iterator(stores_.directory() + "/sql", ignored)) {
    apps.push_back(folder.path().filename());
  }
  std::sort(apps.begin(), apps.end());
  return apps;
}

}  // namespace cusp::cli
