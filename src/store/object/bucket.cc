#include "store/object/bucket.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/limits.h"
#include "io/asio.h"
#include "store/object/index.h"
#include "store/object/record.h"

namespace cusp::store::object {

namespace {

// Who reads or writes an object that others write all the time gives up some day.
constexpr int kAttemptsMax = 1000;
// A list that skips much answers a short page, so that it never takes long.
constexpr size_t kScannedPagesMax = 50;

std::unexpected<Error> contended() {
  return fail(ErrorCode::kUnavailable, "others write this object all the time; try again later");
}

std::vector<std::unique_ptr<Pin>> pin(Contents& contents, const Head& head) {
  std::set<std::string> digests;
  for (const auto& content : head.contents) digests.insert(content.digest);
  std::vector<std::unique_ptr<Pin>> pins;
  for (const auto& digest : digests) pins.push_back(std::make_unique<Pin>(contents, digest));
  return pins;
}

}  // namespace

Object::Object(std::shared_ptr<Index> index, Head head)
    : index_(std::move(index)), head_(std::move(head)), pins_(pin(index_->contents(), head_)) {}
Object::~Object() = default;
Object::Object(Object&&) noexcept = default;

Result<std::string> Object::read_blocking(uint64_t offset, uint64_t most) {
  if (!reader_ || offset < reader_begin_ || offset - reader_begin_ >= reader_->size()) {
    uint64_t begin = 0;
    const auto found = std::ranges::find_if(head_.contents, [&](const ContentId& content) {
      if (offset - begin < content.size) return true;
      begin += content.size;
      return false;
    });
    if (found == head_.contents.end()) return std::string();
    CUSP_TRY(reader_, index_->contents().read(*found));
    reader_begin_ = begin;
  }
  return reader_->read(offset - reader_begin_, most);
}

io::Task<Result<std::string>> Object::read(uint64_t offset, uint64_t most) {
  Result<std::string> bytes;
  co_await index_->pool().run([&] { bytes = read_blocking(offset, most); });
  co_return bytes;
}

Incoming Bucket::receive(std::optional<Algorithm> algorithm) const {
  return Incoming(index_->contents(), index_->pool(), algorithm);
}

io::Task<Result<std::optional<Head>>> Bucket::head(std::string key) const {
  CUSP_CO_CHECK(check_object_key(key));
  CUSP_CO_TRY(const auto entry,
              co_await index_->entries().get(record_key(kObjectRecord, prefix_, key)));
  if (!entry) co_return std::optional<Head>();
  CUSP_CO_TRY(Head head, decode_head(std::move(key), *entry));
  co_return std::optional(std::move(head));
}

// The pins keep a content only if it had a reference when they were made.
io::Task<Result<std::optional<Object>>> Bucket::get(std::string key) const {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    CUSP_CO_TRY(auto before, co_await head(key));
    if (!before) co_return std::optional<Object>();
    Object object(index_, std::move(*before));
    CUSP_CO_TRY(const auto after, co_await head(key));
    if (after && after->revision == object.head().revision) {
      co_return std::optional<Object>(std::move(object));
    }
  }
  co_return contended();
}

io::Task<Result<std::optional<Head>>> Bucket::replace(Head next, const Condition& condition) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    CUSP_CO_TRY(const auto present, co_await head(next.key));
    if (condition && !condition(present ? &*present : nullptr)) co_return std::optional<Head>();
    next.modified = index_->now();
    References references;
    for (const auto& content : next.contents) ++references[content.digest];
    if (present) {
      for (const auto& content : present->contents) --references[content.digest];
    }
    kv::Write write;
    auto& change = write.emplace_back(encode(next));
    change.key = record_key(kObjectRecord, prefix_, next.key);
    change.expected = present ? present->revision : 0;
    CUSP_CO_TRY(const bool written,
                co_await index_->write(std::move(write), std::move(references)));
    if (written) co_return std::optional<Head>(std::move(next));
  }
  co_return contended();
}

io::Task<Result<std::optional<Head>>> Bucket::put(std::string key, Received received,
                                                  PutOptions options) {
  CUSP_CO_CHECK(check_object_key(key));
  CUSP_CO_CHECK(check_fields(options.fields));
  Head next{.key = std::move(key),
            .size = received.stored.id.size,
            .etag = hex(received.md5),
            .fields = std::move(options.fields),
            .checksum = std::move(received.checksum)};
  next.contents.push_back(received.stored.id);
  co_return co_await replace(std::move(next), options.condition);
}

// The source pins its contents for as long as it lives.
io::Task<Result<std::optional<Head>>> Bucket::copy(const Object& source, std::string to,
                                                   PutOptions options) {
  CUSP_CO_CHECK(check_object_key(to));
  CUSP_CO_CHECK(check_fields(options.fields));
  Head next = source.head();
  next.key = std::move(to);
  next.fields = std::move(options.fields);
  co_return co_await replace(std::move(next), options.condition);
}

io::Task<Result<bool>> Bucket::remove(std::string key, Condition condition) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    CUSP_CO_TRY(const auto present, co_await head(key));
    if (condition && !condition(present ? &*present : nullptr)) co_return false;
    if (!present) co_return true;
    References references;
    for (const auto& content : present->contents) --references[content.digest];
    kv::Write write;
    auto& change = write.emplace_back(kv::Change::erase(record_key(kObjectRecord, prefix_, key)));
    change.expected = present->revision;
    CUSP_CO_TRY(const bool written,
                co_await index_->write(std::move(write), std::move(references)));
    if (written) co_return true;
  }
  co_return contended();
}

io::Task<Result<Listing>> Bucket::list(ListOptions options) const {
  const std::string begin = record_key(kObjectRecord, prefix_, "");
  Listing listing;
  // No key of an object has the byte 0xFF: with it, a prefix is behind all that begin with it.
  std::string after = std::move(options.after);
  for (size_t pages = 0; pages < kScannedPagesMax; ++pages) {
    CUSP_CO_TRY(const kv::Page page,
                co_await index_->entries().list({.prefix = begin + options.prefix,
                                                 .after = after.empty() ? "" : begin + after}));
    for (const auto& listed : page.keys) {
      const std::string_view key = std::string_view(listed.key).substr(begin.size());
      if (key <= after) continue;
      if (listing.objects.size() + listing.prefixes.size() >= options.limit) {
        listing.next = after;
        co_return listing;
      }
      const size_t found = options.delimiter.empty()
                               ? std::string_view::npos
                               : key.find(options.delimiter, options.prefix.size());
      if (found == std::string_view::npos) {
        CUSP_CO_TRY(Head head, decode_listed(std::string(key), listed));
        listing.objects.push_back(std::move(head));
        after = key;
      } else {
        after = key.substr(0, found + options.delimiter.size());
        listing.prefixes.push_back(after);
        after += '\xFF';
      }
    }
    if (!page.next) co_return listing;
    after = std::max(after, page.next->substr(begin.size()));
  }
  listing.next = after;
  co_return listing;
}

}  // namespace cusp::store::object
