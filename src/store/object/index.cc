#include "store/object/index.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "io/asio.h"
#include "store/folder.h"
#include "store/kv/entry.h"
#include "store/object/record.h"

namespace cusp::store::object {

namespace {

// An object of the most parts takes the place of another one: two records, the parts of its upload
// and two references for each part.
constexpr size_t kChangesMax = 4 * limits::kObjectPartsMax;

}  // namespace

Result<std::shared_ptr<Index>> Index::open(const std::string& directory,
                                           std::function<kv::Time()> now, io::BlockingPool& pool) {
  std::shared_ptr<Index> index(new Index(now, pool));
  CUSP_TRY(index->contents_, Contents::open(directory + "/content"));
  CUSP_TRY(index->database_,
           kv::Database::open(
               {.directory = directory + "/index",
                .cache_bytes = limits::kObjectIndexCacheBytes,
                .limits = {.key_bytes = limits::kKvAnyKeyBytesMax - 64, .changes = kChangesMax},
                .now = std::move(now)},
               pool));
  CUSP_TRY(index->entries_, index->database_->store({"objects", "index"}));
  return index;
}

Result<> Index::snapshot(const std::string& directory) {
  CUSP_CHECK(make_folder(directory));
  CUSP_CHECK(database_->snapshot(directory + "/index"));
  return contents_->link_all(directory + "/content");
}

void Index::close() {
  closed_ = true;
  database_->close();
}

Result<bool> Index::referenced(const std::string& digest) const {
  if (closed_) return fail(ErrorCode::kUnavailable, "the object stores are closed");
  CUSP_TRY(const auto entry, entries_->get_blocking(reference_key(digest)));
  if (!entry) return false;
  const auto count = kv::decode_number(entry->value);
  // What cannot be understood is kept.
  return !count || *count > 0;
}

io::Task<Result<bool>> Index::write(kv::Write write, References references) {
  std::vector<std::string> changed;
  for (const auto& [digest, delta] : references) {
    if (delta == 0) continue;
    write.push_back(kv::Change::increment(reference_key(digest), delta));
    changed.push_back(digest);
  }
  CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(write)));
  if (!written.applied) co_return false;
  std::vector<std::string> unused;
  kv::Write counters;
  for (size_t at = 0; at < changed.size(); ++at) {
    if (written.sums[at] > 0) continue;
    auto& counter = counters.emplace_back(kv::Change::erase(reference_key(changed[at])));
    counter.expected = written.revision;
    unused.push_back(changed[at]);
  }
  if (unused.empty()) co_return true;
  co_await pool_.run([&] { remove(unused); });
  // The object is written, whatever becomes of this: a counter of zero takes a little room until
  // it counts again.
  (void)co_await entries_->write(std::move(counters));
  co_return true;
}

// Errors are left to the next sweep.
void Index::remove(const std::vector<std::string>& digests) {
  std::set<std::string> unused;
  {
    std::lock_guard guard(mutex_);
    unused = std::exchange(pinned_, {});
  }
  unused.insert(digests.begin(), digests.end());
  const auto ask = [this](const std::string& digest) { return referenced(digest); };
  for (const auto& digest : unused) {
    const auto removed = contents_->remove_unused(digest, ask);
    if (!removed || *removed) continue;
    const auto used = referenced(digest);
    if (!used || *used) continue;
    std::lock_guard guard(mutex_);
    pinned_.insert(digest);
  }
}

Result<> Index::sweep_part(const kv::Listed& listed) {
  CUSP_TRY(const auto upload, entries_->get_blocking(upload_of_part(listed.key)));
  if (upload) return {};
  CUSP_TRY(const Part part, decode_part(listed.metadata, listed.revision));
  kv::Write write;
  write.push_back(kv::Change::erase(listed.key));
  write.back().expected = listed.revision;
  write.push_back(kv::Change::increment(reference_key(part.content.digest), -1));
  CUSP_CHECK(entries_->write_blocking(std::move(write)));
  return {};
}

Result<> Index::sweep_parts() {
  std::string after;
  while (true) {
    CUSP_TRY(const kv::Page page,
             entries_->list_blocking({.prefix = {kPartRecord, '\0'}, .after = after}));
    for (const auto& listed : page.keys) {
      const auto swept = sweep_part(listed);
      if (swept) continue;
      if (swept.error().code != ErrorCode::kDataLoss) return swept;
      log::warn("a part of an upload stays, since its record is damaged: {}",
                swept.error().to_string());
    }
    if (!page.next) return {};
    after = *page.next;
  }
}

Result<size_t> Index::sweep() {
  CUSP_CHECK(sweep_parts());
  return contents_->sweep([this](const std::string& digest) { return referenced(digest); });
}

}  // namespace cusp::store::object
