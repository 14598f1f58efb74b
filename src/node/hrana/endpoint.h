#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "http/message.h"
#include "io/blocking_pool.h"
#include "node/hrana/streams.h"
#include "node/token_store.h"
#include "store/stores.h"

namespace cusp::node::hrana {

// Who asks for which database.
struct Caller {
  TokenPtr token;
  std::string app;
  std::string database;
};

// SQL databases over HTTP for libSQL's clients: Hrana 2 and 3 in JSON (HRANA_3_SPEC.md, "Hrana over
// HTTP"). One serves all shards; everything it refers to outlives it and the bodies it has given.
class Endpoint {
 public:
  Endpoint(store::Stores& stores, io::BlockingPool& blocking)
      : stores_(stores), blocking_(blocking) {}

  // `path` is "v3/pipeline", "v3/cursor", "v3", or one of version 2. The token may read the
  // database.
  io::Task<http::Response> respond(http::Request& request, Caller caller, std::string_view path);

  // An error in the protocol's form.
  static http::Response failure(uint16_t status, std::string_view code, std::string_view message);

  static constexpr size_t kBodyBytesMax = 16 * limits::kMiB;
  static constexpr size_t kTextBytesMax = 1 * limits::kMiB;  // that one stream keeps

 private:
  io::Task<Result<StreamPtr>> open(const Caller& caller, const nlohmann::json& baton);
  io::Task<http::Response> run_pipeline(const Caller& caller, const nlohmann::json& body);
  io::Task<http::Response> run_cursor(const Caller& caller, const nlohmann::json& body);

  store::Stores& stores_;
  io::BlockingPool& blocking_;
  Streams streams_;
};

}  // namespace cusp::node::hrana
