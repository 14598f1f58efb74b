#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "node/app_table.h"
#include "node/hrana/endpoint.h"
#include "node/kv_rest/endpoint.h"
#include "node/token_store.h"

namespace cusp::node {

// What programs outside of the node ask its stores, on a listener of its own ([data] in the
// configuration, docs/formats/data-api.md), each request with a token of the application:
//   /sql/APP/DATABASE/…                 Hrana; also /… with the host DATABASE.APP.anything
//   POST /queues/APP/QUEUE/messages     sends (node/queue_endpoint.h); also /messages/batch
//   /client/v4/accounts/ANY/storage/kv/namespaces/APP.STORE/…   Cloudflare's API of KV
// One serves all shards.
class DataHandler final : public http::Handler {
 public:
  // All outlive it.
  DataHandler(TokenStore& tokens, store::Stores& stores, hrana::Endpoint& hrana,
              kv_rest::Endpoint& key_values)
      : tokens_(tokens), stores_(stores), hrana_(hrana), key_values_(key_values) {}

  io::Task<http::Response> respond(http::Request& request) override;

  // The applications whose stores there are. Any thread.
  void set_apps(std::shared_ptr<const AppTable> apps);

 private:
  io::Task<http::Response> respond_sql(http::Request& request, TokenPtr token);
  io::Task<http::Response> respond_key_values(http::Request& request, TokenPtr token);
  io::Task<http::Response> respond_queue(http::Request& request, TokenPtr token);
  // The stores of a kind that components name.
  std::vector<store::kv::StoreName> stores(StoreKind kind);
  bool has(StoreKind kind, const store::kv::StoreName& name);

  TokenStore& tokens_;
  store::Stores& stores_;
  hrana::Endpoint& hrana_;
  kv_rest::Endpoint& key_values_;
  std::mutex mutex_;
  std::shared_ptr<const AppTable> apps_;  // shared with the shards
};

}  // namespace cusp::node
