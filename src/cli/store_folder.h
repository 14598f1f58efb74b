#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/task_runner.h"
#include "store/remote/client.h"
#include "store/stores.h"

namespace CLI {
class App;
}

// The stores of a node, for verbs that look into them or change them. For .cc files.
namespace cusp::cli {

struct StoreFolderOptions {
  std::string stores_directory;
  std::string state_directory;
  std::string app;
};

void add_store_folder_options(CLI::App& command, StoreFolderOptions& options);

// An open folder: by this process, or by the node that runs, which is asked then. Blocking.
class StoreFolder {
 public:
  // The folder that the options name, else .cusp/stores here if it is there or this is an app's
  // folder, else that of the state folder. Errors: kNotFound, there are no stores;
  // kPermissionDenied.
  static Result<std::unique_ptr<StoreFolder>> open(const StoreFolderOptions& options);

  // The folder that the options name, whether it is there or not.
  static std::string directory_of(const StoreFolderOptions& options);

  // For what only the process that has the folder can do: fails while a node runs.
  store::Stores& stores() { return stores_; }

  // Those that hold something.
  Result<std::vector<store::kv::StoreName>> key_value_stores();
  Result<std::shared_ptr<store::kv::Store>> key_values(const store::kv::StoreName& name);
  Result<std::shared_ptr<store::sql::Database>> sql(const std::string& app,
                                                    const std::string& name);
  // Those that hold objects.
  Result<std::vector<store::kv::StoreName>> buckets();
  Result<std::unique_ptr<store::object::Session>> objects(const store::kv::StoreName& name);

  // Stores::snapshot(), here or in the node that runs.
  Result<std::string> snapshot();

  const std::string& directory() const { return stores_.directory(); }

  // The app that was asked for, that of the folder where the command runs, or the only one among
  // `known`. Errors: kInvalidArgument, which
  // tells them.
  Result<std::string> app(const std::vector<std::string>& known) const;
  // The apps that have a SQL database.
  std::vector<std::string> sql_apps() const;

  // Runs a task to its end.
  template <class T>
  T wait(io::Task<T> task) {
    return runner_.wait(std::move(task));
  }

 private:
  StoreFolder(std::string directory, std::string app)
      : app_(std::move(app)), stores_(std::move(directory), pool_) {}

  const std::string app_;
  io::TaskRunner runner_;
  io::BlockingPool pool_{1};
  store::Stores stores_;
  std::shared_ptr<store::remote::Client> node_;  // null: no process has them open
};

}  // namespace cusp::cli
