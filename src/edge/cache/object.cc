#include "edge/cache/object.h"

#include <algorithm>
#include <array>

#include "edge/cache/date.h"
#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

// Of the connection (RFC 9110 section 7.6.1), of proxies (RFC 9111 section 3.1), and what is made
// anew for each use.
constexpr std::array<string_view, 14> kNotStored = {"connection",
                                                    "keep-alive",
                                                    "proxy-connection",
                                                    "te",
                                                    "trailer",
                                                    "transfer-encoding",
                                                    "upgrade",
                                                    "proxy-authenticate",
                                                    "age",
                                                    "proxy-authorization",
                                                    "proxy-authentication-info",
                                                    "content-length",
                                                    "cache-status",
                                                    "surrogate-control"};

// A map's node, a control block, a vector's slot: what a piece costs beside its bytes.
constexpr size_t kPieceBytes = 64;
constexpr size_t kTagBytesMax = 1024;

void add_tags(std::vector<std::string>& tags, string_view text, char separator) {
  while (!text.empty() && tags.size() < kTagsMax) {
    const string_view tag = take_member(text, separator);
    if (!tag.empty() && tag.size() <= kTagBytesMax) tags.emplace_back(tag);
  }
}

}  // namespace

void Content::append(Block block) {
  if (block->empty()) return;
  size += block->size();
  blocks.push_back(std::move(block));
}

Content Content::cut(ByteRange range) const {
  Content out;
  uint64_t at = 0;
  for (const Block& block : blocks) {
    const uint64_t first = std::max(at, range.first);
    const uint64_t end = std::min(at + block->size(), range.end);
    if (first < end) {
      const bool whole = first == at && end == at + block->size();
      out.append(whole ? block
                       : std::make_shared<const std::string>(*block, first - at, end - first));
    }
    at += block->size();
  }
  return out;
}

size_t Content::bytes() const {
  size_t bytes = blocks.size() * kPieceBytes;
  for (const Block& block : blocks) bytes += block->capacity();
  return bytes;
}

bool Object::is_coded_form_of(const Object& plain) const {
  if (coding.empty() || plain.content.blocks.empty() || variance != plain.variance) return false;
  return coded_from.lock() == plain.content.blocks.front();
}

size_t Object::bytes() const {
  size_t bytes = sizeof(Object) + 4 * kPieceBytes + key.size() + url.size() + name_space.size() +
                 fields.byte_size() + fields.size() * 16 + content.bytes();
  for (const auto& choice : variance.choices) {
    bytes += kPieceBytes + choice.name.size() + (choice.value ? choice.value->size() : 0);
  }
  for (const auto& tag : tags) bytes += 2 * kPieceBytes + tag.size();
  if (trailers) bytes += trailers->byte_size();
  return bytes;
}

http::Fields stored_fields(const http::Fields& fields, const std::vector<std::string>& withheld,
                           Time received) {
  std::vector<std::string> listed;
  if (const auto connection = fields.get_all("connection")) listed = lower_members(*connection);
  http::Fields stored;
  stored.reserve(fields.size() + 1, fields.byte_size() + 64);
  bool has_date = false;
  for (const auto [name, value] : fields) {
    if (std::ranges::find(kNotStored, name) != kNotStored.end() ||
        std::ranges::find(listed, name) != listed.end() ||
        std::ranges::find(withheld, name) != withheld.end()) {
      continue;
    }
    if (name == "date") {
      if (has_date || !parse_date(value, received)) continue;
      has_date = true;
    }
    stored.add(name, value);
  }
  if (!has_date) stored.add("date", format_date(std::chrono::floor<Seconds>(received)));
  return stored;
}

std::vector<std::string> tags_of(const http::Fields& fields) {
  std::vector<std::string> tags;
  for (const auto [name, value] : fields) {
    if (name == "surrogate-key") add_tags(tags, value, ' ');
    if (name == "cache-tag") add_tags(tags, value, ',');
  }
  std::ranges::sort(tags);
  tags.erase(std::ranges::unique(tags).begin(), tags.end());
  return tags;
}

}  // namespace cusp::edge::cache
