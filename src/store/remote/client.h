#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/kv/database.h"
#include "store/object/session.h"
#include "store/sql/database.h"

namespace cusp::store::remote {

// The stores that another process of this machine has open. Its stores, databases and sessions keep
// it; all are used by one thread, which their tasks block, too: for the command line. Errors of
// every function: those of the store there, and kUnavailable when that process has ended.
class Client : public std::enable_shared_from_this<Client> {
 public:
  // Errors: kNotFound (no process has the folder's stores open, or it does not listen),
  // kPermissionDenied.
  static Result<std::shared_ptr<Client>> connect(const std::string& folder);
  virtual ~Client() = default;

  virtual Result<std::vector<kv::StoreName>> stores() = 0;
  virtual std::shared_ptr<kv::Store> key_values(const kv::StoreName& name) = 0;
  virtual std::shared_ptr<sql::Database> sql(const std::string& app, const std::string& name) = 0;
  // Those that hold objects.
  virtual Result<std::vector<kv::StoreName>> buckets() = 0;
  virtual std::unique_ptr<object::Session> objects(const kv::StoreName& name) = 0;
  // Stores::snapshot() there.
  virtual Result<std::string> snapshot() = 0;
};

}  // namespace cusp::store::remote
