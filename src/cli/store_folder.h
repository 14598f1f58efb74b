#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/asio.h"
#include "store/stores.h"

namespace CLI {
class App;
}

// The stores of a node that does not run, for verbs that look into them or change them. For .cc
// files.
namespace cusp::cli {

struct StoreFolderOptions {
  std::string stores_directory;
  std::string state_directory;
  std::string app;
};

void add_store_folder_options(CLI::App& command, StoreFolderOptions& options);

// An open folder. Blocking.
class StoreFolder {
 public:
  // The folder that the options name, else .cusp/stores here if it is there, else that of the state
  // folder. Errors: kNotFound, there are no stores.
  static Result<std::unique_ptr<StoreFolder>> open(const StoreFolderOptions& options);

  store::Stores& stores() { return stores_; }

  // The app that was asked for, or the only one among `known`. Errors: kInvalidArgument, which
  // tells them.
  Result<std::string> app(const std::vector<std::string>& known) const;
  // The apps that have a SQL database.
  std::vector<std::string> sql_apps() const;

  // Runs a task to its end.
  template <class T>
  T wait(io::Task<T> task) {
    std::optional<T> result;
    io::asio::co_spawn(loop_.get_executor(), std::move(task),
                       [&result](std::exception_ptr, T value) { result = std::move(value); });
    loop_.restart();
    loop_.run();
    return std::move(*result);
  }

 private:
  StoreFolder(std::string directory, std::string app)
      : app_(std::move(app)), stores_(std::move(directory), pool_) {}

  const std::string app_;
  io::asio::io_context loop_;
  io::BlockingPool pool_{1};
  store::Stores stores_;
};

}  // namespace cusp::cli
