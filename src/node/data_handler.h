#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "http/message.h"
#include "node/app_table.h"
#include "node/hrana/endpoint.h"
#include "node/token_store.h"

namespace cusp::node {

// What programs outside of the node ask its stores, on a listener of its own ([data] in the
// configuration, docs/formats/data-api.md), each request with a token of the application:
//   /sql/APP/DATABASE/…   Hrana; also /… with the host DATABASE.APP.anything
// One serves all shards.
class DataHandler final : public http::Handler {
 public:
  // Both outlive it.
  DataHandler(TokenStore& tokens, hrana::Endpoint& hrana) : tokens_(tokens), hrana_(hrana) {}

  io::Task<http::Response> respond(http::Request& request) override;

  // The applications whose stores there are. Any thread.
  void set_apps(std::shared_ptr<const AppTable> apps);

 private:
  bool has_database(std::string_view app, std::string_view name);

  TokenStore& tokens_;
  hrana::Endpoint& hrana_;
  std::mutex mutex_;
  std::shared_ptr<const AppTable> apps_;  // shared with the shards
};

}  // namespace cusp::node
