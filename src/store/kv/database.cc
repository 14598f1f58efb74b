#include "store/kv/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <filesystem>

#include <fmt/format.h>

#include "store/kv/log_check.h"
#include "store/kv/rocks_store.h"
#include "store/kv/status.h"

namespace cusp::store::kv {

namespace {

// Values beyond it lie in files of their own, which compactions do not copy.
constexpr uint64_t kBlobBytesMin = 32 * limits::kKiB;
constexpr size_t kWriteBufferBytes = 32 * limits::kMiB;
constexpr size_t kLogBytesMax = 4 * limits::kMiB;  // of RocksDB's own log file
constexpr size_t kLogFilesMax = 2;
constexpr uint64_t kResumeMicroseconds = 100'000;  // how often a full disk is tried again
constexpr double kFilterBitsPerKey = 10;

rocksdb::Options rocks_options(const DatabaseOptions& from, const ExpiryFilter& filter) {
  rocksdb::Options options;
  if (from.env != nullptr) options.env = from.env;
  options.create_if_missing = true;
  options.compaction_filter = &filter;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_background_jobs = 2;
  options.enable_blob_files = true;
  options.min_blob_size = kBlobBytesMin;
  options.enable_blob_garbage_collection = true;
  options.max_log_file_size = kLogBytesMax;
  options.keep_log_file_num = kLogFilesMax;
  // A batch that is cut off at the end of the log was not acknowledged. Anything else that does not
  // fit its checksum is damage, which is told and not skipped; see also check_logs().
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  options.bgerror_resume_retry_interval = kResumeMicroseconds;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(from.cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Error cannot_open(const rocksdb::Status& status, const std::string& directory) {
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return {ErrorCode::kAlreadyExists,
            "another process has this folder's stores open: give each node a state folder of its "
            "own (--state-dir)",
            directory};
  }
  Error error = to_error(status);
  if (error.code == ErrorCode::kDataLoss) error.message += "; restore the folder from a backup";
  error.context = directory;
  return error;
}

class RocksDatabase final : public Database {
 public:
  explicit RocksDatabase(std::shared_ptr<Rocks> rocks) : rocks_(std::move(rocks)) {}
  ~RocksDatabase() override { close(); }

  Result<std::shared_ptr<Store>> store(StoreName name) override {
    CUSP_CHECK(check_name(name));
    return make_rocks_store(rocks_, name.app + '\0' + name.store + '\0');
  }

  Result<std::vector<StoreName>> stores() const override {
    const std::unique_ptr<rocksdb::Iterator> at(rocks_->db->NewIterator({}));
    std::vector<StoreName> found;
    at->SeekToFirst();
    while (at->Valid()) {
      const std::string_view key = at->key().ToStringView();
      const size_t app_end = key.find('\0');
      const size_t store_end = key.find('\0', app_end + 1);
      if (store_end == std::string_view::npos) return std::unexpected(not_an_entry());
      auto& name = found.emplace_back();
      name.app = key.substr(0, app_end);
      name.store = key.substr(app_end + 1, store_end - app_end - 1);
      at->Seek(std::string(key.substr(0, store_end)) + '\1');
    }
    if (!at->status().ok()) return std::unexpected(to_error(at->status()));
    return found;
  }

  Result<> compact() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    const auto status = rocks_->db->CompactRange(options, nullptr, nullptr);
    if (!status.ok()) return std::unexpected(to_error(status));
    return {};
  }

  std::unique_lock<std::mutex> hold() override { return rocks_->committer->hold(); }

  Result<> snapshot(const std::string& directory) override {
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(rocks_->db.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
    if (!status.ok()) return std::unexpected(to_error(status));
    return {};
  }

  // Without a log the next opening has nothing to read, and nothing of which the end could be
  // damaged unnoticed.
  void close() override {
    rocks_->committer->stop();
    rocks_->db->Flush(rocksdb::FlushOptions()).PermitUncheckedError();
  }

 private:
  const std::shared_ptr<Rocks> rocks_;  // shared with the stores
};

}  // namespace

Result<> check_name(const StoreName& name) {
  for (const auto* part : {&name.app, &name.store}) {
    if (part->empty() || part->size() > limits::kKvStoreNameBytesMax ||
        part->find('\0') != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the name of an app or a store has 1 to {} bytes, none of them zero",
                              limits::kKvStoreNameBytesMax));
    }
  }
  return {};
}

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options, io::BlockingPool& pool) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("cannot make the folder of the stores: {}", error.message()),
                options.directory);
  }
  CUSP_CHECK(check_logs(options.directory));
  auto rocks = std::make_shared<Rocks>(options, pool);
  rocksdb::DB* db = nullptr;
  const auto status =
      rocksdb::DB::Open(rocks_options(options, rocks->filter), options.directory, &db);
  if (!status.ok()) return std::unexpected(cannot_open(status, options.directory));
  rocks->db.reset(db);
  rocks->committer = std::make_unique<Committer>(*db, options.now);
  return std::make_unique<RocksDatabase>(std::move(rocks));
}

}  // namespace cusp::store::kv
