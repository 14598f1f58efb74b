#include "store/object/objects.h"
#include "store/remote/answers.h"
#include "store/remote/replies.h"

// Objects go to and from a peer in pieces. Each is answered before the next one is asked for: who
// is slow holds one piece in memory and no more.
namespace cusp::store::remote {

namespace {

using Put = std::pair<std::string, object::FieldList>;
using Range = std::pair<uint64_t, uint64_t>;

}  // namespace

std::string Answers::perform_on_objects(Operation operation, const Subject& subject,
                                        Decoder& arguments) {
  if (operation == Operation::kObjectBuckets) return encoded(buckets());
  const auto opened = objects(subject);
  if (!opened) return encoded(Result<>(std::unexpected(opened.error())));
  object::Session& session = **opened;
  switch (operation) {
    case Operation::kObjectBegin: return encoded(session.begin());
    case Operation::kObjectAppend:
      return with<std::string>(arguments,
                               [&](const std::string& bytes) { return session.append(bytes); });
    case Operation::kObjectPut:
      return with<Put>(arguments,
                       [&](const Put& put) { return session.put(put.first, put.second); });
    case Operation::kObjectOpen:
      return with<std::string>(arguments,
                               [&](const std::string& key) { return session.open(key); });
    case Operation::kObjectRead:
      return with<Range>(
          arguments, [&](const Range& range) { return session.read(range.first, range.second); });
    case Operation::kObjectRemove:
      return with<std::string>(arguments,
                               [&](const std::string& key) { return session.remove(key); });
    case Operation::kObjectList:
      return with<object::ListOptions>(
          arguments, [&](const object::ListOptions& options) { return session.list(options); });
    default: return refusal("there is no such operation");
  }
}

Result<std::vector<kv::StoreName>> Answers::buckets() {
  CUSP_TRY(object::Objects * objects, stores_.objects());
  return runner_.wait(objects->buckets());
}

Result<object::Session*> Answers::objects(const Subject& subject) {
  if (const auto found = object_sessions_.find(subject.session); found != object_sessions_.end()) {
    return found->second.get();
  }
  CUSP_CHECK(check_sessions());
  CUSP_TRY(object::Objects * objects, stores_.objects());
  CUSP_TRY(auto bucket, objects->bucket({subject.app, subject.name}));
  auto session = object::make_session(std::move(bucket));
  return object_sessions_.emplace(subject.session, std::move(session)).first->second.get();
}

}  // namespace cusp::store::remote
