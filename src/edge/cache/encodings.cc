// Bytes of stored responses in content codings (RFC 9110 section 8.4.1), kept beside them in memory
// so that a hit has not to be compressed again. To purges, eviction and the bound of the store they
// are objects like all others; to look-ups they are not there.
#include <algorithm>

#include "edge/cache/cache.h"
#include "edge/cache/content_body.h"
#include "edge/cache/core.h"
#include "edge/cache/tee_body.h"

namespace cusp::edge::cache {

std::unique_ptr<http::Body> Cache::encoded(const Object& object, std::string_view coding) {
  const auto variants = core_->store.find(object.key);
  if (!variants) return nullptr;
  const auto found = std::ranges::find_if(*variants, [&](const ObjectPtr& other) {
    return other->coding == coding && other->is_coded_form_of(object);
  });
  return found == variants->end() ? nullptr : make_content_body(*found);
}

std::unique_ptr<http::Body> Cache::keep_encoded(ObjectPtr object, std::string_view coding,
                                                std::unique_ptr<http::Body> body) {
  if (object->content.blocks.empty()) return body;
  const uint64_t moment = core_->purges.now();
  auto done = [core = core_, object, moment, name = std::string(coding)](
                  Content content, const std::optional<http::Fields>&) {
    auto coded = std::make_shared<Object>(*object);
    coded->coding = name;
    coded->coded_from = object->content.blocks.front();
    coded->content = std::move(content);
    core->put_coded(*object, std::move(coded), moment);
  };
  return make_tee_body(std::move(body), core_->store.object_bytes_max(), std::move(done));
}

void Cache::Core::put_coded(const Object& plain, ObjectPtr coded, uint64_t moment) {
  // What it was made of may have gone or been replaced meanwhile.
  const auto variants = store.find(plain.key);
  const bool current = variants && std::ranges::any_of(*variants, [&](const ObjectPtr& object) {
                         return object->coding.empty() && coded->is_coded_form_of(*object);
                       });
  if (!current || purges.hit_since(moment, plain)) return;
  const ObjectPtr kept = coded;
  store.insert(std::move(coded));
  if (purges.hit_since(moment, plain)) store.erase(kept);
}

}  // namespace cusp::edge::cache
