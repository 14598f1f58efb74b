#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/assets/store.h"
#include "edge/exchange.h"
#include "edge/feature.h"
#include "edge/origin.h"

namespace cusp::edge {

// docs/formats/edge.md says what each is for.
struct AssetOptions {
  std::string root;
  std::string index = "index.html";
  std::string fallback;   // below the root; empty: none
  std::string not_found;  // the same
  bool precompressed = true;
  bool dotfiles = false;
  // What Cache-Control says, by pattern of the path; the first that fits.
  std::vector<std::pair<std::string, std::string>> cache_control;
  std::vector<std::pair<std::string, std::string>> types;  // ".ext" → media type
};

// A folder of files that answers a route. Shared by all shards.
class Assets : public std::enable_shared_from_this<Assets> {
 public:
  // `blocking` outlives it.
  Assets(AssetOptions options, io::BlockingPool& blocking);

  // What answers one exchange; `below` is what its route's "/..." stands for, as it is in the
  // request.
  std::shared_ptr<Origin> origin(const Exchange& exchange, std::string_view below) const;

  // Answers with what lies at the path `below`, written as in a request.
  io::Task<http::Response> respond(const http::Request& request, std::string below) const;

  const std::string& root() const { return options_.root; }

 private:
  io::Task<http::Response> send(const http::Request& request, std::string path,
                                ResourcePtr resource, uint16_t status) const;
  io::Task<http::Response> nothing_there(const http::Request& request, std::string path) const;
  http::Fields fields_of(const Resource::Variant& variant, const std::string& path,
                         bool has_variants) const;

  const AssetOptions options_;
  mutable AssetStore store_;  // thread-safe
};

// Reads what a route's "assets" says: a folder, or a table. Problems are reported through the
// value, and null is answered.
std::shared_ptr<const Assets> read_assets(const Value& value, const FeatureContext& context);

}  // namespace cusp::edge
