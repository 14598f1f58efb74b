#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace cusp::app {

// A folder for one test; gone with its owner.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cusp-app-XXXXXX").string();
    root_ = std::filesystem::canonical(::mkdtemp(name.data()));
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  // Where `relative` is or would be.
  std::string path(std::string_view relative = {}) const {
    return relative.empty() ? root_.string() : (root_ / relative).string();
  }
  // Writes a file, and the folders on the way to it; answers its path.
  std::string write(std::string_view relative, std::string_view text = {}) const {
    std::filesystem::path file = root_ / relative;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  // Makes a symbolic link.
  void link(std::string_view relative, const std::string& target) const {
    std::filesystem::path link = root_ / relative;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(target, link);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace cusp::app
