#include "store/backup/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"
#include "base/limits.h"
#include "store/folder.h"

namespace cusp::store::backup {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;
constexpr const char* kManifest = "cusp-backup.json";
constexpr size_t kManifestBytesMax = 256 * limits::kMiB;  // some 1.5 million files
constexpr size_t kPieceBytes = 256 * limits::kKiB;
constexpr size_t kPathBytesMax = 1024;

struct FreeReader {
  void operator()(::archive* handle) const { archive_read_free(handle); }
};
struct FreeWriter {
  void operator()(::archive* handle) const { archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(::archive_entry* entry) const { archive_entry_free(entry); }
};
using Reader = std::unique_ptr<::archive, FreeReader>;
using Writer = std::unique_ptr<::archive, FreeWriter>;
using Entry = std::unique_ptr<::archive_entry, FreeEntry>;

std::unexpected<Error> damaged(std::string what, std::string where) {
  return fail(ErrorCode::kDataLoss, "the backup is damaged: " + std::move(what), std::move(where));
}

std::unexpected<Error> no_backup(std::string why, const std::string& path) {
  return fail(ErrorCode::kInvalidArgument, "this is no backup: " + std::move(why), path);
}

std::string text_of(::archive* handle) {
  const char* text = archive_error_string(handle);
  return text == nullptr ? "it ends too early" : text;
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string finish() {
    std::array<unsigned char, 32> digest;
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

// Calls `each` with every piece of a file.
template <class Each>
Result<> read_pieces(const std::string& path, Each each) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string piece(kPieceBytes, '\0');
  while (true) {
    const ssize_t count = file < 0 ? -1 : ::read(file, piece.data(), piece.size());
    if (count < 0) return fail(ErrorCode::kUnavailable, "this file cannot be read", path);
    if (count == 0) return {};
    CUSP_CHECK(each(std::string_view(piece).substr(0, static_cast<size_t>(count))));
  }
}

Result<std::map<std::string, File>> look_through(const std::string& folder) {
  std::map<std::string, File> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    File file;
    Sha256 digest;
    CUSP_CHECK(read_pieces(at->path(), [&](std::string_view piece) -> Result<> {
      file.size += piece.size();
      digest.add(piece);
      return {};
    }));
    file.sha256 = digest.finish();
    files.emplace(fs::path(at->path()).lexically_relative(folder).string(), std::move(file));
  }
  if (error) return fail(ErrorCode::kUnavailable, error.message(), folder);
  return files;
}

std::string now_text() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string manifest_of(const Contents& contents) {
  json files = json::array();
  for (const auto& [path, file] : contents.files) {
    files.push_back({{"path", path}, {"size", file.size}, {"sha256", file.sha256}});
  }
  const json manifest = {
      {"format", kFormat}, {"created", contents.created}, {"files", std::move(files)}};
  return manifest.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Whether the path stays below any folder that it is put in, and is one that stores have.
bool is_safe(const std::string& path) {
  if (path.empty() || path.size() > kPathBytesMax || path.find('\0') != path.npos) return false;
  const fs::path parts(path);
  if (parts.is_absolute() || parts.lexically_normal() != parts) return false;
  const std::string top = parts.begin()->string();
  return top == "kv" || top == "sql" || top == "objects";
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<Contents> read_manifest(const std::string& text, const std::string& path) {
  const json manifest = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) return no_backup("its manifest is not JSON", path);
  if (manifest.value("format", json()) != json(kFormat)) {
    return no_backup("its format is one that this version of cusp does not know", path);
  }
  const json files = manifest.value("files", json());
  if (!files.is_array()) return no_backup("its manifest names no files", path);
  Contents contents;
  try {
    contents.created = manifest.at("created").get<std::string>();
    for (const json& item : files) {
      std::string name = item.at("path").get<std::string>();
      if (!item.at("size").is_number_unsigned())
        return no_backup("its manifest is malformed", path);
      File file{.size = item.at("size").get<uint64_t>(),
                .sha256 = item.at("sha256").get<std::string>()};
      if (!is_safe(name) || !is_sha256(file.sha256)) {
        return no_backup(fmt::format("its manifest names '{}', which no store has", name), path);
      }
      if (!contents.files.emplace(std::move(name), std::move(file)).second) {
        return no_backup("its manifest names a file twice", path);
      }
    }
  } catch (const json::exception&) {
    return no_backup("its manifest is malformed", path);
  }
  return contents;
}

// ---- writing ----------------------------------------------------------------------------------
class Output {
 public:
  explicit Output(std::string path) : path_(std::move(path)), writer_(archive_write_new()) {}

  Result<> open(int descriptor) {
    archive_write_set_format_pax_restricted(writer_.get());
    archive_write_add_filter_zstd(writer_.get());
    return check(archive_write_open_fd(writer_.get(), descriptor));
  }
  Result<> begin(const std::string& name, uint64_t size) {
    const Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(size));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    return check(archive_write_header(writer_.get(), entry.get()));
  }
  Result<> add(std::string_view bytes) {
    const auto written = archive_write_data(writer_.get(), bytes.data(), bytes.size());
    return check(written == static_cast<la_ssize_t>(bytes.size()) ? ARCHIVE_OK : ARCHIVE_FATAL);
  }
  Result<> close() { return check(archive_write_close(writer_.get())); }

 private:
  Result<> check(int code) {
    if (code == ARCHIVE_OK) return {};
    const bool full = archive_errno(writer_.get()) == ENOSPC;
    return fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
                "cannot write the backup: " + text_of(writer_.get()), path_);
  }

  const std::string path_;
  const Writer writer_;
};

Result<> write_all(const std::string& folder, const Contents& contents, Output& output,
                   const Progress& progress) {
  const std::string manifest = manifest_of(contents);
  CUSP_CHECK(output.begin(kManifest, manifest.size()));
  CUSP_CHECK(output.add(manifest));
  uint64_t done = 0;
  for (const auto& [name, file] : contents.files) {
    CUSP_CHECK(output.begin(name, file.size));
    CUSP_CHECK(read_pieces(folder + "/" + name, [&](std::string_view piece) -> Result<> {
      progress(done += piece.size());
      return output.add(piece);
    }));
  }
  return output.close();
}

// ---- reading ----------------------------------------------------------------------------------
class Input {
 public:
  explicit Input(std::string path) : path_(std::move(path)), reader_(archive_read_new()) {}

  Result<> open() {
    archive_read_support_format_tar(reader_.get());
    archive_read_support_filter_zstd(reader_.get());
    if (archive_read_open_filename(reader_.get(), path_.c_str(), kPieceBytes) == ARCHIVE_OK) {
      return {};
    }
    if (::access(path_.c_str(), R_OK) != 0) {
      return fail(ErrorCode::kNotFound, "this file cannot be read", path_);
    }
    return no_backup(text_of(reader_.get()), path_);
  }
  // The next file's name; nothing: there is none.
  Result<std::optional<std::string>> next() {
    ::archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader_.get(), &entry);
    if (code == ARCHIVE_EOF) return std::optional<std::string>();
    if (code != ARCHIVE_OK) return damaged(text_of(reader_.get()), path_);
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG ||
        archive_entry_hardlink(entry) != nullptr) {
      return damaged("it holds something that is no file", path_);
    }
    return std::optional<std::string>(name);
  }
  // Up to `most` bytes of the current file; empty at its end.
  Result<std::string_view> read(std::string& piece) {
    piece.resize(kPieceBytes);
    const auto count = archive_read_data(reader_.get(), piece.data(), piece.size());
    if (count < 0) return damaged(text_of(reader_.get()), path_);
    return std::string_view(piece).substr(0, static_cast<size_t>(count));
  }

 private:
  const std::string path_;
  const Reader reader_;
};

Result<Contents> read_head(Input& input, const std::string& path) {
  auto first = input.next();
  if (!first) return no_backup(first.error().message, path);
  if (!*first || **first != kManifest) return no_backup("it does not begin with a manifest", path);
  std::string text, piece;
  while (true) {
    CUSP_TRY(const std::string_view bytes, input.read(piece));
    if (bytes.empty()) return read_manifest(text, path);
    text.append(bytes);
    if (text.size() > kManifestBytesMax) return no_backup("its manifest is too long", path);
  }
}

// Gives each piece of the current file to `take`, and compares the whole with what it should be.
template <class Take>
Result<> read_file(Input& input, const std::string& name, const File& expected, Take take) {
  uint64_t size = 0;
  Sha256 digest;
  std::string piece;
  while (true) {
    CUSP_TRY(const std::string_view bytes, input.read(piece));
    if (bytes.empty()) break;
    size += bytes.size();
    if (size > expected.size) return damaged("a file is longer than its manifest says", name);
    digest.add(bytes);
    CUSP_CHECK(take(bytes));
  }
  if (size != expected.size || digest.finish() != expected.sha256) {
    return damaged("a file is not the one that was written", name);
  }
  return {};
}

// `make` answers what takes the pieces of the file with that name.
template <class Make>
Result<Contents> read_archive(const std::string& path, const Progress& progress, Make make) {
  Input input(path);
  CUSP_CHECK(input.open());
  CUSP_TRY(Contents contents, read_head(input, path));
  std::set<std::string> seen;
  uint64_t done = 0;
  while (true) {
    CUSP_TRY(const auto name, input.next());
    if (!name) break;
    const auto expected = contents.files.find(*name);
    if (expected == contents.files.end() || !seen.insert(*name).second) {
      return damaged(fmt::format("it holds '{}', which its manifest does not name", *name), path);
    }
    CUSP_TRY(auto take, make(*name));
    CUSP_CHECK(read_file(input, *name, expected->second, [&](std::string_view piece) -> Result<> {
      progress(done += piece.size());
      return take(piece);
    }));
  }
  for (const auto& [name, file] : contents.files) {
    if (!seen.contains(name)) return damaged("a file is missing", name);
  }
  return contents;
}

using Take = std::function<Result<>(std::string_view)>;

Result<Take> make_file(const std::string& folder, const std::string& name) {
  const fs::path path = fs::path(folder) / name;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  const auto file = std::make_shared<Descriptor>(descriptor);  // shared by copies of the function
  if (descriptor < 0) return fail(ErrorCode::kUnavailable, "cannot make this file", path);
  return Take([file, path](std::string_view bytes) -> Result<> {
    while (!bytes.empty()) {
      const ssize_t count = ::write(*file, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        return fail(errno == ENOSPC ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
                    "cannot write this file", path);
      }
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  });
}

}  // namespace

uint64_t Contents::bytes() const {
  uint64_t sum = 0;
  for (const auto& [path, file] : files) sum += file.size;
  return sum;
}

Result<Contents> write(const std::string& folder, const std::string& path,
                       const Progress& progress) {
  Contents contents{.created = now_text()};
  CUSP_TRY(contents.files, look_through(folder));
  const std::string part = fmt::format("{}.part.{}", path, ::getpid());
  const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file < 0) {
    return fail(ErrorCode::kPermissionDenied, "cannot write the backup there", path);
  }
  Output output(path);
  auto written = output.open(file);
  if (written) written = write_all(folder, contents, output, progress);
  if (written && (::fsync(file) != 0 || ::rename(part.c_str(), path.c_str()) != 0)) {
    written = fail(ErrorCode::kUnavailable, "cannot write the backup there", path);
  }
  if (!written) {
    ::unlink(part.c_str());
    return std::unexpected(std::move(written).error());
  }
  CUSP_CHECK(sync_folder(fs::absolute(path).parent_path()));
  return contents;
}

Result<Contents> verify(const std::string& path, const Progress& progress) {
  return read_archive(path, progress, [](const std::string&) -> Result<Take> {
    return Take([](std::string_view) -> Result<> { return {}; });
  });
}

Result<Contents> extract(const std::string& path, const std::string& folder,
                         const Progress& progress) {
  CUSP_TRY(Contents contents, read_archive(path, progress, [&](const std::string& name) {
             return make_file(folder, name);
           }));
  const Descriptor root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root < 0 || ::syncfs(root) != 0) {
    return fail(ErrorCode::kUnavailable, "what was restored cannot be kept on this disk", folder);
  }
  return contents;
}

}  // namespace cusp::store::backup
