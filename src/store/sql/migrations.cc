#include "store/sql/migrations.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "base/file.h"

namespace cusp::store::sql {

namespace {

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS cusp_migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL, "
    "applied TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT";

std::string digest_of(const std::string& text) {
  std::array<unsigned char, 32> digest;
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

Result<Rows> ask(Connection& connection, Statement statement) {
  CUSP_TRY(Prepared * prepared, connection.prepare(statement.text));
  return connection.run(*prepared, statement,
                        {Budget::Clock::now() + std::chrono::milliseconds(limits::kSqlTimeMax)});
}

// Name → digest of what was applied.
Result<std::map<std::string, std::string>> applied(Connection& connection) {
  CUSP_CHECK(connection.execute(kTable));
  CUSP_TRY(const Rows rows, ask(connection, {.text = "SELECT name, digest FROM cusp_migrations"}));
  std::map<std::string, std::string> known;
  for (size_t row = 0; row < rows.count(); ++row) {
    known.emplace(std::get<std::string>(rows.values[2 * row]),
                  std::get<std::string>(rows.values[2 * row + 1]));
  }
  return known;
}

Result<> apply(Connection& connection, const Migration& migration) {
  CUSP_CHECK(connection.execute("BEGIN IMMEDIATE"));
  CUSP_CHECK(connection.execute_script(migration.text));
  if (!connection.in_transaction()) {
    return fail(ErrorCode::kInvalidArgument,
                "a migration may not end its transaction: it is applied as a whole");
  }
  CUSP_CHECK(ask(connection, {.text = "INSERT INTO cusp_migrations (name, digest) VALUES (?, ?)",
                              .parameters = {migration.name, migration.digest}}));
  return connection.execute("COMMIT");
}

}  // namespace

Result<std::vector<Migration>> read_migrations(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() == ".sql") paths.push_back(file.path());
  }
  if (error) {
    return fail(ErrorCode::kNotFound,
                fmt::format("cannot read the folder of migrations: {}", error.message()), folder);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Migration> migrations;
  for (const auto& path : paths) {
    CUSP_TRY(std::string text, read_file(path));
    std::string digest = digest_of(text);
    migrations.push_back(
        {std::filesystem::path(path).filename(), std::move(text), std::move(digest)});
  }
  return migrations;
}

Result<size_t> apply_migrations(Connection& connection, const std::vector<Migration>& migrations) {
  CUSP_TRY(const auto known, applied(connection));
  size_t count = 0;
  for (const auto& migration : migrations) {
    const auto before = known.find(migration.name);
    if (before != known.end() && before->second != migration.digest) {
      return fail(ErrorCode::kInvalidArgument,
                  "this migration has changed since it was applied; write the change as a new one",
                  migration.name);
    }
    if (before != known.end()) continue;
    if (auto done = apply(connection, migration); !done) {
      if (connection.in_transaction()) CUSP_CHECK(connection.execute("ROLLBACK"));
      Error error = std::move(done).error();
      error.context = migration.name;
      return std::unexpected(std::move(error));
    }
    ++count;
  }
  return count;
}

}  // namespace cusp::store::sql
