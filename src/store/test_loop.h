#pragma once

#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <string>

#include "io/asio.h"

// For the tests of stores.
namespace cusp::store::testing {

// Runs a coroutine as a shard would, and waits for it.
class Loop {
 public:
  template <class T>
  T run(io::Task<T> task) {
    std::optional<T> result;
    start(std::move(task), result);
    finish();
    return std::move(*result);
  }
  // For several at once: begins it; finish() waits for all.
  template <class T>
  void start(io::Task<T> task, std::optional<T>& result) {
    io::asio::co_spawn(
        context_.get_executor(), std::move(task),
        [&result](std::exception_ptr, T value) { result.emplace(std::move(value)); });
  }
  void finish() {
    context_.restart();
    context_.run();
  }

 private:
  io::asio::io_context context_;
};

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "cusp-store-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace cusp::store::testing
