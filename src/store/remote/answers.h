#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "io/task_runner.h"
#include "store/object/session.h"
#include "store/remote/channel.h"
#include "store/remote/codec.h"
#include "store/stores.h"

namespace cusp::store::remote {

// What one peer gets for its requests; has its sessions. Used by one thread. For .cc files.
class Answers {
 public:
  // `stores` outlives it.
  explicit Answers(Stores& stores) : stores_(stores) {}

  // Any bytes. Blocks for as long as the store takes.
  std::string answer(const std::string& request);

 private:
  // Whose store it is.
  struct Subject {
    std::string app;
    std::string name;
    uint64_t session = 0;
  };

  std::string perform(Operation operation, Subject subject, Decoder& arguments);
  std::string perform_on_objects(Operation operation, const Subject& subject, Decoder& arguments);
  Result<std::vector<kv::StoreName>> stores();
  Result<std::shared_ptr<kv::Store>> key_values(Subject subject);
  Result<> check_sessions() const;
  Result<sql::Session*> session(const Subject& subject);
  Result<std::pair<sql::Rows, bool>> execute(const Subject& subject, sql::Statement statement);
  Result<sql::Description> describe(const Subject& subject, std::string text);
  Result<size_t> migrate(const Subject& subject, const std::vector<sql::Migration>& migrations);
  Result<std::vector<kv::StoreName>> buckets();
  Result<object::Session*> objects(const Subject& subject);

  Stores& stores_;
  io::TaskRunner runner_;
  std::map<uint64_t, std::unique_ptr<sql::Session>> sessions_;
  std::map<uint64_t, std::unique_ptr<object::Session>> object_sessions_;
};

}  // namespace cusp::store::remote
