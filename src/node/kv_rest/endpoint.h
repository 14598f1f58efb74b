#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "io/blocking_pool.h"
#include "node/token_store.h"
#include "store/kv/database.h"
#include "store/stores.h"

namespace cusp::node::kv_rest {

// Key-value stores as Cloudflare's API has them (API v4, "Workers KV namespace"), for `wrangler kv`
// and other clients of it: values, metadata, lists of keys, bulk. A namespace is APP.STORE; an
// account is any. One serves all shards; everything it refers to outlives it.
class Endpoint {
 public:
  Endpoint(store::Stores& stores, io::BlockingPool& blocking)
      : stores_(stores), blocking_(blocking) {}

  // `path` is what follows ".../namespaces/{id}/", of the store `name`. The token may read it;
  // `writes` says whether it may do more.
  io::Task<http::Response> respond(http::Request& request, store::kv::StoreName name, bool writes,
                                   std::string_view path);
  // The namespaces that a token may see.
  static http::Response list(const std::vector<store::kv::StoreName>& names);
  // An error in the API's form.
  static http::Response failure(uint16_t status, int code, std::string_view message);

  static constexpr int kAuthentication = 10000;
  static constexpr int kNoRoute = 7003;
  static constexpr int kKeyNotFound = 10009;
  static constexpr int kNamespaceNotFound = 10013;
  static constexpr int kInvalid = 10026;
  static constexpr int kStore = 10500;  // the store failed

 private:
  using StorePtr = std::shared_ptr<store::kv::Store>;

  store::Stores& stores_;
  io::BlockingPool& blocking_;
};

}  // namespace cusp::node::kv_rest
