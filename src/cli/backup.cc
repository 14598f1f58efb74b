#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/store_folder.h"
#include "cli/terminal.h"
#include "store/backup/archive.h"
#include "store/folder.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;
namespace backup = store::backup;

constexpr const char* kFooter = R"(Examples:
  cusp backup shop.backup                          (in an app's folder, also while it runs)
  cusp backup --verify shop.backup
  cusp backup /backups/monday --state-dir /var/lib/cusp
  cusp restore shop.backup --force                 (stop the node first)

A backup holds every store in the folder as of one moment: key-value, SQL, objects, queues. Writes
wait some milliseconds for that; nothing else does. Restore checks every file by its SHA-256 before
it touches what is there, and then changes all stores at once; what was there before is kept beside
the folder.
Exit codes: 0 done; 1 the backup is damaged, or something is in its place already; 2 a flag is
wrong, or the file is no backup; 3 there is no such file or folder; 4 the node is another user's.)";

struct BackupOptions {
  StoreFolderOptions folder;
  std::string file;
  bool verify = false;
  bool force = false;
};

std::string size_text(uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

// Megabytes as they are done, on a terminal that waits for them.
class ByteProgress {
 public:
  explicit ByteProgress(const std::string& what) : progress_("MB " + what) {}

  backup::Progress function() {
    return [this](uint64_t bytes) {
      const uint64_t megabytes = bytes / 1'000'000;
      if (megabytes == told_) return;
      progress_.add(megabytes - std::exchange(told_, megabytes));
    };
  }

 private:
  Progress progress_;
  uint64_t told_ = 0;
};

void print_contents(const std::string& what, const backup::Contents& contents) {
  print_progress(fmt::format("{}: {} files, {}, as of {}", what, contents.files.size(),
                             size_text(contents.bytes()), contents.created));
}

// A folder that goes with this, unless it is kept.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void keep() { path_.clear(); }

 private:
  std::string path_;
};

Result<> make_backup(const BackupOptions& options) {
  if (options.verify) {
    ByteProgress progress("checked");
    CUSP_TRY(const auto contents, backup::verify(options.file, progress.function()));
    print_contents("the backup is whole", contents);
    return {};
  }
  std::error_code ignored;
  if (fs::exists(options.file, ignored) && !options.force) {
    return fail(ErrorCode::kAlreadyExists, "this file exists; --force replaces it", options.file);
  }
  CUSP_TRY(const auto folder, StoreFolder::open(options.folder));
  CUSP_TRY(const std::string snapshot, folder->snapshot());
  const Temporary gone_at_the_end(snapshot);
  ByteProgress progress("written");
  CUSP_TRY(const auto contents, backup::write(snapshot, options.file, progress.function()));
  print_contents("backed up", contents);
  return {};
}

bool holds_something(const std::string& directory) {
  std::error_code ignored;
  for (const char* name : {"kv", "sql", "objects"}) {
    if (fs::exists(directory + "/" + name, ignored)) return true;
  }
  return false;
}

// Keeps nodes from opening the stores meanwhile. Errors: kAlreadyExists, one has them open.
Result<Descriptor> lock_folder(const std::string& directory) {
  Descriptor lock(::open((directory + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (lock < 0) return fail(ErrorCode::kPermissionDenied, "cannot use this folder", directory);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kAlreadyExists, "a node has these stores open; stop it first",
                directory);
  }
  return lock;
}

// A name beside `directory` that is free.
std::string beside(const std::string& directory, const char* what) {
  std::error_code ignored;
  for (int number = 1;; ++number) {
    std::string path = fmt::format("{}.{}-{}", directory, what, number);
    if (!fs::exists(path, ignored)) return path;
  }
}

Result<> restore(const BackupOptions& options) {
  const std::string directory =
      fs::absolute(StoreFolder::directory_of(options.folder)).lexically_normal().string();
  CUSP_CHECK(store::make_folder(directory));
  CUSP_TRY(const Descriptor lock, lock_folder(directory));
  const bool replaces = holds_something(directory);
  if (replaces && !options.force) {
    return fail(ErrorCode::kAlreadyExists,
                "there are stores here; --force puts those of the backup in their place and keeps "
                "them beside it",
                directory);
  }
  const std::string fresh = beside(directory, "restoring");
  CUSP_CHECK(store::make_folder(fresh));
  Temporary unfinished(fresh);
  ByteProgress progress("restored");
  CUSP_TRY(const auto contents, backup::extract(options.file, fresh, progress.function()));
  // Both folders change their names in one step: before it the old stores are there, after it the
  // new ones, whatever happens in between.
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, directory.c_str(), RENAME_EXCHANGE) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot put the restored stores in their place",
                directory);
  }
  CUSP_CHECK(store::sync_folder(fs::path(directory).parent_path()));
  print_contents("restored", contents);
  if (!replaces) return {};
  unfinished.keep();  // it is what was there before
  const std::string before = beside(directory, "before-restore");
  const bool renamed = ::rename(fresh.c_str(), before.c_str()) == 0;
  print_progress(fmt::format("what was there before is in {}", renamed ? before : fresh));
  return {};
}

}  // namespace

void add_backup(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<BackupOptions>();  // shared: with the callbacks and the flags
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const BackupOptions&)) {
    CLI::App* command = app.add_subcommand(verb, what);
    command->footer(kFooter);
    add_store_folder_options(*command, options->folder);
    command->remove_option(command->get_option("--app"));
    command->add_option("file", options->file, "The backup")->required();
    command->callback(
        [options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    return command;
  };
  CLI::App* command = add("backup", "Write all stores of a node or an app to a file", make_backup);
  command->add_flag("--verify", options->verify, "Check a backup instead of making one");
  command->add_flag("--force", options->force, "Replace the file");
  add("restore", "Put the stores of a backup in place", restore)
      ->add_flag("--force", options->force, "Also where there are stores already");
}

}  // namespace cusp::cli
