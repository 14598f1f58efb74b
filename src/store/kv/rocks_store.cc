#include "store/kv/rocks_store.h"

#include <array>
#include <future>

#include <fmt/format.h>

#include "base/limits.h"
#include "io/asio.h"
#include "store/kv/entry.h"
#include "store/kv/status.h"

namespace cusp::store::kv {

namespace {

// Of one page, dead entries included: a list never holds a thread for long.
constexpr size_t kScannedMax = 100'000;
constexpr size_t kPageBytesMax = limits::kMiB;

Result<> check_key(std::string_view key, const EntryLimits& limits) {
  if (key.empty()) return fail(ErrorCode::kInvalidArgument, "a key cannot be empty");
  if (key.size() > limits.key_bytes) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("this key has {} bytes; at most {} are allowed", key.size(), limits.key_bytes));
  }
  return {};
}

Result<> check_write(const Write& write, const EntryLimits& limits) {
  if (write.size() > limits.changes) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} keys in one write; at most {} are allowed", write.size(), limits.changes));
  }
  size_t bytes = 0;
  for (const auto& change : write) {
    CUSP_CHECK(check_key(change.key, limits));
    bytes += change.value.size();
    if (change.value.size() > limits::kKvValueBytesMax) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the value has {} bytes; at most {} are allowed", change.value.size(),
                              limits::kKvValueBytesMax));
    }
    if (change.metadata.size() > limits::kKvMetadataBytesMax) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the metadata has {} bytes; at most {} are allowed",
                              change.metadata.size(), limits::kKvMetadataBytesMax));
    }
  }
  if (bytes > limits::kKvWriteBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("one write of {} bytes; at most {} are allowed", bytes,
                            limits::kKvWriteBytesMax));
  }
  return {};
}

// A key as the database knows it, without an allocation.
class FullKey {
 public:
  FullKey(std::string_view prefix, std::string_view key) : size_(prefix.size() + key.size()) {
    prefix.copy(bytes_.data(), prefix.size());
    key.copy(bytes_.data() + prefix.size(), key.size());
  }
  rocksdb::Slice slice() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 2 * limits::kKvStoreNameBytesMax + 2 + limits::kKvAnyKeyBytesMax> bytes_;
  size_t size_;
};

class RocksStore final : public Store {
 public:
  RocksStore(std::shared_ptr<Rocks> rocks, std::string prefix)
      : rocks_(std::move(rocks)), prefix_(std::move(prefix)) {}

  std::optional<Result<std::optional<Entry>>> try_get(std::string_view key) const override {
    if (auto valid = check_key(key, rocks_->limits); !valid) {
      return std::unexpected(std::move(valid).error());
    }
    return read(key, rocksdb::kBlockCacheTier);
  }

  io::Task<Result<std::optional<Entry>>> get(std::string key) const override {
    if (auto found = try_get(key)) co_return std::move(*found);
    std::optional<Result<std::optional<Entry>>> found;
    co_await rocks_->pool.run([&] { found = read(key, rocksdb::kReadAllTier); });
    co_return std::move(*found);
  }

  io::Task<Result<Page>> list(ListOptions options) const override {
    Result<Page> page;
    co_await rocks_->pool.run([&] { page = scan(options); });
    co_return page;
  }

  io::Task<Result<Written>> write(Write write) override {
    if (auto valid = check_write(write, rocks_->limits); !valid) {
      co_return std::unexpected(std::move(valid).error());
    }
    if (write.empty()) co_return Written{};
    const io::Executor shard = co_await io::asio::this_coro::executor;
    Result<Written> answer;
    auto submit = [&, shard](auto handler) mutable {
      rocks_->committer->submit(
          prefix_, std::move(write),
          [&answer, shard, handler = std::move(handler)](Result<Written> written) mutable {
            answer = std::move(written);
            io::asio::post(shard, std::move(handler));
          });
    };
    co_await io::asio::async_initiate<const io::asio::use_awaitable_t<io::Executor>, void()>(
        std::move(submit), io::asio::use_awaitable_t<io::Executor>());
    co_return answer;
  }

  Result<std::optional<Entry>> get_blocking(std::string_view key) const override {
    CUSP_CHECK(check_key(key, rocks_->limits));
    return *read(key, rocksdb::kReadAllTier);
  }

  Result<Page> list_blocking(const ListOptions& options) const override { return scan(options); }

  Result<Written> write_blocking(Write write) override {
    CUSP_CHECK(check_write(write, rocks_->limits));
    if (write.empty()) return Written{};
    std::promise<Result<Written>> answer;
    rocks_->committer->submit(prefix_, std::move(write), [&answer](Result<Written> written) {
      answer.set_value(std::move(written));
    });
    return answer.get_future().get();
  }

 private:
  // Nothing: not in memory, and `tier` is kBlockCacheTier.
  std::optional<Result<std::optional<Entry>>> read(std::string_view key,
                                                   rocksdb::ReadTier tier) const {
    rocksdb::ReadOptions options;
    options.read_tier = tier;
    const FullKey full(prefix_, key);
    rocksdb::PinnableSlice bytes;
    const auto status =
        rocks_->db->Get(options, rocks_->db->DefaultColumnFamily(), full.slice(), &bytes);
    if (status.IsIncomplete()) return std::nullopt;
    if (status.IsNotFound()) return std::optional<Entry>{};
    if (!status.ok()) return std::unexpected(to_error(status));
    const auto entry = decode_entry(bytes.ToStringView());
    if (!entry) return std::unexpected(not_an_entry());
    if (entry->expires && entry->expired(rocks_->now())) return std::optional<Entry>{};
    return Entry{.value = std::string(entry->value),
                 .metadata = std::string(entry->metadata),
                 .expires = entry->expires,
                 .revision = entry->revision};
  }

  Result<Page> scan(const ListOptions& options) const;

  const std::shared_ptr<Rocks> rocks_;  // shared with the database and its other stores
  const std::string prefix_;
};

Result<Page> RocksStore::scan(const ListOptions& options) const {
  const std::string from = prefix_ + std::max(options.after, options.prefix);
  const std::string shared = prefix_ + options.prefix;
  const bool skip_first = !options.after.empty() && options.after >= options.prefix;
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(rocks_->db->NewIterator(read));
  const Time now = rocks_->now();
  Page page;
  size_t scanned = 0;
  size_t bytes = 0;
  std::string last;
  for (at->Seek(from); at->Valid() && at->key().starts_with(shared); at->Next()) {
    const std::string_view key = at->key().ToStringView().substr(prefix_.size());
    if (skip_first && key == options.after) continue;
    if (page.keys.size() >= options.limit || scanned >= kScannedMax || bytes >= kPageBytesMax) {
      page.next = std::move(last);
      break;
    }
    ++scanned;
    last = key;
    const auto entry = decode_entry(at->value().ToStringView());
    if (!entry) return std::unexpected(not_an_entry());
    if (entry->expired(now)) continue;
    bytes += key.size() + entry->metadata.size() + sizeof(Listed);
    page.keys.push_back(
        {std::string(key), std::string(entry->metadata), entry->expires, entry->revision});
  }
  if (!at->status().ok()) return std::unexpected(to_error(at->status()));
  return page;
}

}  // namespace

std::shared_ptr<Store> make_rocks_store(std::shared_ptr<Rocks> rocks, std::string prefix) {
  return std::make_shared<RocksStore>(std::move(rocks), std::move(prefix));
}

}  // namespace cusp::store::kv
