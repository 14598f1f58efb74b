#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/app.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/table_reader.h"
#include "edge/cache/cache.h"
#include "edge/exchange.h"
#include "edge/geo_database.h"
#include "http/message.h"
#include "io/tls.h"
#include "node/acme/client.h"
#include "node/listener_handler.h"

namespace cusp::node {

// Where one app comes from.
struct AppSource {
  std::string path;                              // component, manifest, or folder with one
  std::string profile;                           // of spin.toml
  std::vector<std::string> hosts;                // instead of the manifest's, when not empty
  std::map<std::string, std::string> variables;  // --variable
  std::string runtime_config;                    // path of a runtime-config.toml
  // Limits that the operator or the command line set over those of a bare component.
  std::optional<app::Reuse> reuse;
};

struct Listen {
  std::string address = "127.0.0.1";
  uint16_t port = 0;
  std::vector<io::TlsCertificate> certificates;
  // Whether clients show certificates, and the authorities for those (a PEM file).
  io::ClientCertificates clients = io::ClientCertificates::kNone;
  std::string client_ca;
  ListenerRules rules;

  bool acme = false;  // the certificates of NodeOptions::acme, too

  bool operator==(const Listen&) const = default;
  bool tls() const { return acme || !certificates.empty(); }  // otherwise clear text
};

// Where S3's API is served (docs/formats/s3.md).
struct S3Options {
  Listen listen;
  std::string domain;  // of requests to BUCKET.DOMAIN; empty: buckets stand in paths alone

  bool operator==(const S3Options&) const = default;
};

struct NodeOptions {
  std::vector<Listen> listen;
  std::vector<AppSource> apps;
  std::string state_directory;   // created when missing
  std::string stores_directory;  // what apps keep; empty: "stores" in the state directory
  size_t shards = 0;             // 0: one for each core
  bool show_errors = false;      // guests' errors in responses: `cusp dev`
  bool server_timing = false;    // a Server-Timing field in every response
  std::string access_log;        // a file, "-" for the standard output; empty: none
  edge::cache::CacheOptions cache;
  // The configuration, for its [edge]; null: the node has no features of its own. Shared by copies.
  std::shared_ptr<TomlFile> document;
  edge::GeoFiles geo;  // none: default_geo_files() (node/node_edge.h)
  std::string from;    // where all clients are pretended to be (node/places.h); empty: nobody is
  std::optional<acme::Options> acme;
  std::optional<Listen> admin;  // where operators' tools ask (node/admin.h)
  std::optional<S3Options> s3;
  std::optional<Listen> data;  // where others ask for the apps' stores (node/data_handler.h)
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// A running node: engine, shards, listeners and apps. Its functions are called from one thread, not
// a shard's.
class Node {
 public:
  // Listens once every app is ready. Errors: those of the apps and listeners.
  static Result<std::unique_ptr<Node>> start(NodeOptions options);
  // Stops at once what stop() has not ended.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The same of the listener for operators' tools; empty: there is none.
  std::string admin_url() const;
  std::string s3_url() const;  // the same
  // The same of the one for the apps' stores.
  std::string data_url() const;

  // "http://127.0.0.1:3000", one for each listener, with the port that was bound.
  std::vector<std::string> urls() const;

  // Loads every app again from its source and swaps: requests under way finish on what they began
  // with. After an error everything stays as it was.
  Result<> reload();
  // The same with other apps in place of those that the node has.
  Result<> reload(std::vector<AppSource> apps);
  // The same with the apps, the [edge] and the geo databases of `options`.
  Result<> reload(NodeOptions options);

  // Sends a request from `client` through the edge without asking its origin: what would be
  // decided, step by step.
  edge::Trail explain(http::Request request, const std::string& client);

  // Reads the files of all certificates now, instead of in a few seconds. What cannot be used is
  // logged, and what was used before stays.
  void refresh_certificates();

  // Opens the access log anew, after it was moved away.
  void reopen_logs();

  // Until the next call, requests whose Accept field asks for text/html are answered with a page
  // that shows `notice`, and others with its text where no app answers for their host; with
  // nothing, as usual. For `cusp dev`.
  void set_notice(const std::optional<Error>& notice);

  // Takes no more connections and waits for the requests in flight, at most `deadline`.
  void stop(std::chrono::milliseconds deadline = limits::kDrainTimeout);

 private:
  struct State;
  explicit Node(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The folder for state when none is given: $XDG_STATE_HOME/cusp, ~/.local/state/cusp, or one of
// this user among temporary files.
std::string default_state_directory();

}  // namespace cusp::node
