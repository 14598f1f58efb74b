#include "store/object/objects.h"

#include <utility>

#include "base/log.h"
#include "store/object/index.h"

namespace cusp::store::object {

Result<std::unique_ptr<Objects>> Objects::open(ObjectsOptions options, io::BlockingPool& pool) {
  CUSP_TRY(auto index, Index::open(options.directory, std::move(options.now), pool));
  pool.post([index] {
    if (const auto swept = index->sweep(); !swept && !index->closed()) {
      log::warn("what no object refers to was not removed: {}", swept.error().to_string());
    }
  });
  return std::unique_ptr<Objects>(new Objects(std::move(index)));
}

Result<std::shared_ptr<Bucket>> Objects::bucket(const kv::StoreName& name) {
  CUSP_CHECK(kv::check_name(name));
  return std::make_shared<Bucket>(index_, name.app + '\0' + name.store + '\0');
}

Result<size_t> Objects::sweep() { return index_->sweep(); }

void Objects::close() { index_->close(); }

}  // namespace cusp::store::object
