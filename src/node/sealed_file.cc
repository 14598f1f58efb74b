#include "node/sealed_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"
#include "base/file.h"
#include "node/secret_file.h"

namespace cusp::node {

namespace {

using nlohmann::json;

constexpr size_t kKeyBytes = 32;
constexpr size_t kKeyBytesMin = 16;  // of a key that somebody has chosen
constexpr int kFormat = 1;

// White space at its end belongs to the file, not to the key.
std::string without_trailing_space(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

Result<std::string> chosen_key(std::string key, const char* where) {
  key = without_trailing_space(std::move(key));
  if (key.size() >= kKeyBytesMin) return key;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("the key of secrets has {} bytes; it needs {} that nobody can guess, such "
                  "as `openssl rand -hex 32` prints",
                  key.size(), kKeyBytesMin),
      where);
}

Result<std::string> read_key(const std::string& state_directory) {
  if (const char* key = std::getenv("CUSP_SECRETS_KEY")) return chosen_key(key, "CUSP_SECRETS_KEY");
  if (const char* path = std::getenv("CUSP_SECRETS_KEY_FILE")) {
    CUSP_TRY(std::string key, read_file(path));
    return chosen_key(std::move(key), path);
  }
  return load_secret(state_directory + "/secrets.key", kKeyBytes);
}

Result<> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  const auto code = errno == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
  return fail(code, "the folder cannot be made", path);
}

}  // namespace

Result<edge::Sealer> open_sealer(const std::string& state_directory) {
  CUSP_TRY(const std::string key, read_key(state_directory));
  return edge::Sealer({key});
}

Result<Sealed> SealedFile::read() const {
  const auto text = read_file(path_);
  if (!text && text.error().code == ErrorCode::kNotFound) return Sealed();
  if (!text) return std::unexpected(text.error());
  // Of a name that is there twice, because it was damaged, one would hide the other.
  std::set<std::string> names;
  bool twice = false;
  const auto look = [&](int depth, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::key && depth == 2) {
      twice = twice || !names.insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  const json file = json::parse(*text, look, false);
  const auto texts = file.is_object() ? file.find(member_) : file.end();
  if (!file.is_object() || texts == file.end() || !texts->is_object() ||
      file.value("version", json()) != json(kFormat) || twice) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("this is no file of {} that this version knows", member_), path_);
  }
  Sealed sealed;
  for (const auto& [name, value] : texts->items()) {
    if (!value.is_string()) {
      return fail(ErrorCode::kDataLoss, fmt::format("'{}' is not sealed", name), path_);
    }
    sealed[name] = value.get<std::string>();
  }
  return sealed;
}

Result<> SealedFile::change(const std::function<Result<>(Sealed&)>& how) const {
  CUSP_CHECK(make_folder(folder_));
  const std::string path = folder_ + "/lock";
  const Descriptor lock(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) {
    return fail(ErrorCode::kUnavailable, "the folder cannot be locked", path);
  }
  CUSP_TRY(Sealed sealed, read());
  CUSP_CHECK(how(sealed));
  const json file = {{"version", kFormat}, {member_, sealed}};
  return write_file(path_, file.dump(1) + "\n", 0600);
}

}  // namespace cusp::node
