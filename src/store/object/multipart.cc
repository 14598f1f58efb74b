#include <openssl/rand.h>

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "io/asio.h"
#include "store/object/bucket.h"
#include "store/object/index.h"
#include "store/object/record.h"

// Uploads in parts. A part's write checks that its upload is there, and what ends an upload takes
// that away in the same write as it makes the object: no part is added to an upload that has ended.
namespace cusp::store::object {

namespace {

constexpr size_t kIdBytes = 16;
constexpr int kAttemptsMax = 1000;

bool is_id(std::string_view id) {
  return id.size() == 2 * kIdBytes &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_as_named(const Part& part, const CompletedPart& named) {
  if (part.number != named.number || part.etag != named.etag) return false;
  return named.checksum.empty() || (part.checksum && part.checksum->bytes == named.checksum);
}

// The parts that the client names, or why they make no object.
Completion choose(const std::vector<Part>& sent, const std::vector<CompletedPart>& named,
                  std::vector<Part>& chosen) {
  for (size_t at = 0; at < named.size(); ++at) {
    if (at > 0 && named[at].number <= named[at - 1].number) return Completion::kInvalidOrder;
    const auto found = std::ranges::lower_bound(sent, named[at].number, {}, &Part::number);
    if (found == sent.end() || !is_as_named(*found, named[at])) return Completion::kInvalidPart;
    chosen.push_back(*found);
  }
  if (chosen.empty()) return Completion::kInvalidPart;
  for (size_t at = 0; at + 1 < chosen.size(); ++at) {
    if (chosen[at].content.size < limits::kObjectPartBytesMin) return Completion::kPartTooSmall;
  }
  return Completion::kDone;
}

// Of the content, from those of the parts.
std::string combined(Algorithm algorithm, const std::vector<Part>& parts) {
  std::string whole = checksum(algorithm, "");
  for (const auto& part : parts) {
    whole = combine(algorithm, whole, part.checksum->bytes, part.content.size);
  }
  return whole;
}

// Of the checksums of the parts, which all have one.
Checksum checksum_of(const UploadChecksum& wanted, const std::vector<Part>& parts) {
  if (!wanted.composite) {
    return {.algorithm = wanted.algorithm, .bytes = combined(wanted.algorithm, parts)};
  }
  std::string checksums;
  for (const auto& part : parts) checksums += part.checksum->bytes;
  return {.algorithm = wanted.algorithm,
          .bytes = checksum(wanted.algorithm, checksums),
          .parts = parts.size()};
}

// The object that the parts make. Its entity tag is that of the parts' ones.
Head assemble(std::string key, const Upload& upload, const std::vector<Part>& parts) {
  Head head{.key = std::move(key), .fields = upload.fields};
  std::string tags;
  for (const auto& part : parts) {
    head.size += part.content.size;
    head.contents.push_back(part.content);
    tags += from_hex(part.etag);
  }
  head.etag = fmt::format("{}-{}", hex(checksum(Algorithm::kMd5, tags)), parts.size());
  if (upload.checksum) head.checksum = checksum_of(*upload.checksum, parts);
  return head;
}

// A client that states one does not say of how many parts it is.
bool is_same(const Checksum& stated, const std::optional<Checksum>& checksum) {
  return checksum && checksum->algorithm == stated.algorithm && checksum->bytes == stated.bytes;
}

}  // namespace

io::Task<Result<Upload>> Bucket::begin_upload(std::string key, FieldList fields,
                                              std::optional<UploadChecksum> checksum) {
  CUSP_CO_CHECK(check_object_key(key));
  CUSP_CO_CHECK(check_fields(fields));
  std::string id(kIdBytes, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(id.data()), static_cast<int>(id.size()));
  Upload upload{.key = std::move(key),
                .id = hex(id),
                .begun = index_->now(),
                .fields = std::move(fields),
                .checksum = checksum};
  kv::Write write;
  write.push_back(encode(upload));
  write.back().key = upload_key(prefix_, upload.key, upload.id);
  write.back().expires = upload.begun + limits::kObjectUploadAge;
  CUSP_CO_CHECK(co_await index_->write(std::move(write), {}));
  co_return upload;
}

io::Task<Result<std::optional<Upload>>> Bucket::upload(std::string key, std::string id) const {
  CUSP_CO_CHECK(check_object_key(key));
  if (!is_id(id)) co_return std::optional<Upload>();
  CUSP_CO_TRY(const auto entry, co_await index_->entries().get(upload_key(prefix_, key, id)));
  if (!entry) co_return std::optional<Upload>();
  CUSP_CO_TRY(Upload upload, decode_upload(*entry));
  upload.key = std::move(key);
  upload.id = std::move(id);
  co_return std::optional(std::move(upload));
}

io::Task<Result<std::optional<Part>>> Bucket::put_part(std::string key, std::string id,
                                                       uint32_t number, Received received) {
  if (number == 0 || number > limits::kObjectPartsMax) {
    co_return fail(ErrorCode::kInvalidArgument,
                   fmt::format("the number of a part is from 1 to {}", limits::kObjectPartsMax));
  }
  const std::string place = part_key(prefix_, key, id, number);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    CUSP_CO_TRY(const auto upload, co_await this->upload(key, id));
    if (!upload) co_return std::optional<Part>();
    if (const auto algorithm = upload->algorithm();
        algorithm && (!received.checksum || received.checksum->algorithm != *algorithm)) {
      co_return fail(ErrorCode::kInvalidArgument,
                     fmt::format("a part of this upload comes with its {}", to_string(*algorithm)));
    }
    CUSP_CO_TRY(const auto present, co_await index_->entries().get(place));
    Part part{.number = number,
              .content = received.stored.id,
              .etag = hex(received.md5),
              .modified = index_->now(),
              .checksum = received.checksum};
    References references;
    ++references[part.content.digest];
    if (present) {
      CUSP_CO_TRY(const Part before, decode_part(present->metadata, present->revision));
      --references[before.content.digest];
    }
    kv::Write write;
    write.push_back(kv::Change::check(upload_key(prefix_, key, id), upload->revision));
    auto& change = write.emplace_back(encode(part));
    change.key = place;
    change.expected = present ? present->revision : 0;
    CUSP_CO_TRY(const bool written,
                co_await index_->write(std::move(write), std::move(references)));
    if (written) co_return std::optional(std::move(part));
  }
  co_return fail(ErrorCode::kUnavailable, "others write this part all the time; try again later");
}

io::Task<Result<std::vector<Part>>> Bucket::parts(std::string key, std::string id, uint32_t after,
                                                  size_t limit) const {
  CUSP_CO_CHECK(check_object_key(key));
  std::vector<Part> parts;
  if (!is_id(id)) co_return parts;
  kv::ListOptions options{.prefix = part_prefix(prefix_, key, id)};
  if (after > 0) options.after = part_key(prefix_, key, id, after);
  while (parts.size() < limit) {
    options.limit = std::min<size_t>(1000, limit - parts.size());
    CUSP_CO_TRY(const kv::Page page, co_await index_->entries().list(options));
    for (const auto& listed : page.keys) {
      CUSP_CO_TRY(Part part, decode_part(listed.metadata, listed.revision));
      parts.push_back(std::move(part));
    }
    if (!page.next) break;
    options.after = *page.next;
  }
  co_return parts;
}

io::Task<Result<std::vector<Upload>>> Bucket::uploads(std::string prefix, size_t limit) const {
  const std::string begin = record_key(kUploadRecord, prefix_, "");
  CUSP_CO_TRY(const kv::Page page,
              co_await index_->entries().list({.prefix = begin + prefix, .limit = limit}));
  std::vector<Upload> uploads;
  for (const auto& listed : page.keys) {
    const std::string_view place = std::string_view(listed.key).substr(begin.size());
    const size_t end = place.rfind('\0');
    if (end == std::string_view::npos) continue;
    CUSP_CO_TRY(auto upload, co_await this->upload(std::string(place.substr(0, end)),
                                                   std::string(place.substr(end + 1))));
    if (upload) uploads.push_back(std::move(*upload));
  }
  co_return uploads;
}

io::Task<Result<Completion>> Bucket::complete(std::string key, std::string id,
                                              std::vector<CompletedPart> named,
                                              CompleteOptions options, Head& head) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    CUSP_CO_TRY(const auto upload, co_await this->upload(key, id));
    if (!upload) co_return Completion::kNoUpload;
    CUSP_CO_TRY(const auto sent, co_await parts(key, id, 0, limits::kObjectPartsMax));
    std::vector<Part> chosen;
    const Completion choice = choose(sent, named, chosen);
    if (choice != Completion::kDone) co_return choice;
    CUSP_CO_TRY(const auto present, co_await this->head(key));
    if (options.condition && !options.condition(present ? &*present : nullptr)) {
      co_return Completion::kConditionNotMet;
    }
    head = assemble(key, *upload, chosen);
    if (options.size && *options.size != head.size) co_return Completion::kWrongSize;
    if (options.checksum && !is_same(*options.checksum, head.checksum)) {
      co_return Completion::kWrongChecksum;
    }
    head.modified = index_->now();
    // What refers to a part's content was the part, and is the object now.
    References references;
    if (present) {
      for (const auto& content : present->contents) --references[content.digest];
    }
    kv::Write write;
    auto& change = write.emplace_back(encode(head));
    change.key = record_key(kObjectRecord, prefix_, key);
    change.expected = present ? present->revision : 0;
    write.push_back(kv::Change::erase(upload_key(prefix_, key, id)));
    write.back().expected = upload->revision;
    for (const auto& part : chosen) {
      write.push_back(kv::Change::erase(part_key(prefix_, key, id, part.number)));
      write.back().expected = part.revision;
    }
    CUSP_CO_TRY(const bool written,
                co_await index_->write(std::move(write), std::move(references)));
    if (!written) continue;
    CUSP_CO_CHECK(co_await clear_parts(std::move(key), std::move(id)));
    co_return Completion::kDone;
  }
  co_return fail(ErrorCode::kUnavailable, "others write this object all the time; try again later");
}

io::Task<Result<bool>> Bucket::abort(std::string key, std::string id) {
  CUSP_CO_TRY(const auto upload, co_await this->upload(key, id));
  if (!upload) co_return false;
  kv::Write write;
  write.push_back(kv::Change::erase(upload_key(prefix_, key, id)));
  write.back().expected = upload->revision;
  CUSP_CO_TRY(const bool written, co_await index_->write(std::move(write), {}));
  if (!written) co_return false;
  CUSP_CO_CHECK(co_await clear_parts(std::move(key), std::move(id)));
  co_return true;
}

// Of an upload that has ended. A crash in between leaves it to the sweep.
io::Task<Result<>> Bucket::clear_parts(std::string key, std::string id) {
  CUSP_CO_TRY(const auto left, co_await parts(key, id, 0, limits::kObjectPartsMax));
  kv::Write write;
  References references;
  for (const auto& part : left) {
    write.push_back(kv::Change::erase(part_key(prefix_, key, id, part.number)));
    write.back().expected = part.revision;
    --references[part.content.digest];
  }
  if (write.empty()) co_return Result<>();
  CUSP_CO_CHECK(co_await index_->write(std::move(write), std::move(references)));
  co_return Result<>();
}

}  // namespace cusp::store::object
