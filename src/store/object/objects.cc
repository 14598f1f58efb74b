#include "store/object/objects.h"

#include <pthread.h>

#include <utility>

#include "base/log.h"
#include "io/asio.h"
#include "store/object/index.h"
#include "store/object/record.h"

namespace cusp::store::object {

Result<std::unique_ptr<Objects>> Objects::open(ObjectsOptions options, io::BlockingPool& pool) {
  CUSP_TRY(auto index, Index::open(options.directory, std::move(options.now), pool));
  return std::unique_ptr<Objects>(new Objects(std::move(index), options.sweep_interval));
}

Objects::Objects(std::shared_ptr<Index> index, std::chrono::milliseconds sweep_interval)
    : index_(std::move(index)), sweeper_([this, sweep_interval](std::stop_token stop) {
        sweep_at_intervals(std::move(stop), sweep_interval);
      }) {
  ::pthread_setname_np(sweeper_.native_handle(), "cusp-sweeper");
}

// No shard has the object stores, and a node that nobody writes to has nothing else to wake it. Who
// closes the stores waits for the end of a sweep, which comes with the next thing that it reads.
void Objects::sweep_at_intervals(std::stop_token stop, std::chrono::milliseconds interval) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (const auto swept = index_->sweep(); !swept && !index_->closed()) {
      log::warn("what no object refers to was not removed: {}", swept.error().to_string());
    }
    wake_.wait_for(lock, stop, interval, [] { return false; });
  }
}

Result<std::shared_ptr<Bucket>> Objects::bucket(const kv::StoreName& name) {
  CUSP_CHECK(kv::check_name(name));
  return std::make_shared<Bucket>(index_, name.app + '\0' + name.store + '\0');
}

io::Task<Result<std::vector<kv::StoreName>>> Objects::buckets() const {
  const std::string begin = record_key(kObjectRecord, "", "");
  std::vector<kv::StoreName> names;
  kv::ListOptions options{.prefix = begin, .limit = 1};
  while (true) {
    CUSP_CO_TRY(const kv::Page page, co_await index_->entries().list(options));
    for (const auto& listed : page.keys) {
      const std::string_view rest = std::string_view(listed.key).substr(begin.size());
      const size_t app_end = std::min(rest.find('\0'), rest.size());
      const size_t store_end = std::min(rest.find('\0', app_end + 1), rest.size());
      auto& name = names.emplace_back();
      name.app = rest.substr(0, app_end);
      name.store = rest.substr(std::min(rest.size(), app_end + 1), store_end - app_end - 1);
      // Behind all keys of this bucket: none of them has the byte.
      options.after = begin + std::string(rest.substr(0, store_end)) + std::string("\0\xFF", 2);
    }
    if (!page.next) co_return names;
    if (page.keys.empty()) options.after = *page.next;
  }
}

Result<size_t> Objects::sweep() { return index_->sweep(); }

std::unique_lock<std::mutex> Objects::hold() { return index_->hold(); }

Result<> Objects::snapshot(const std::string& directory) { return index_->snapshot(directory); }

void Objects::close() {
  sweeper_.request_stop();
  index_->close();
}

}  // namespace cusp::store::object
