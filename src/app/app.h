#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/triggers.h"
#include "base/limits.h"
#include "base/result.h"

namespace cusp {
class TomlFile;
}

// An application as its manifest describes it, the same whether it came from cusp.toml, spin.toml
// or a bare component. Plain values: paths are absolute and exist, templates are parsed and checked
// but not yet resolved.
namespace cusp::app {

// Bounds of one component's invocations; every member is settable in cusp.toml
// ([component.x.limits]).
struct Limits {
  uint64_t memory_bytes_max = limits::kGuestMemoryBytesMax;
  uint64_t table_elements_max = limits::kGuestTableElementsMax;
  std::chrono::milliseconds cpu_time_max = limits::kGuestCpuTimeMax;
  std::chrono::milliseconds wall_time_max = limits::kGuestWallTimeMax;
  uint64_t body_bytes_max = limits::kBodyBytesMax;
  uint32_t subrequests_max = limits::kGuestSubrequestsMax;
  uint32_t concurrency_max = limits::kConcurrencyMax;
  uint32_t queue_max = limits::kQueueMax;
};

// Instance reuse, off by default: a fresh instance serves each request.
struct Reuse {
  uint32_t requests = 1;              // how many an instance may serve, one after the other
  std::chrono::milliseconds idle{0};  // how long it may wait for the next one
};

// A file or folder that a guest may read.
struct FileMount {
  std::string source;                // absolute path on this machine
  std::string destination;           // absolute path in the guest
  std::vector<std::string> exclude;  // glob patterns relative to the manifest, of files not to show
  std::string place;
};

// How the app's author builds the component (`cusp build`, `cusp dev`).
struct Build {
  std::vector<std::string> commands;  // for sh -c, in this order
  std::string directory;              // absolute
  std::vector<std::string> watch;     // glob patterns relative to `directory`
};

// Exactly one of `path` and `url` is set.
struct Source {
  std::string
      path;  // absolute, of a .wasm or .wat file; may not exist yet when the component has a build
  std::string url;     // https://… or http://…
  std::string digest;  // "sha256:<64 hex>", required with `url`
};

// One import of a component that another component satisfies (spin.toml
// [component.x.dependencies]).
struct Dependency {
  std::string
      import_name;  // "ns:package/interface@1.0.0", or "ns:package" for all of its interfaces
  Source source;
  std::string export_name;             // empty: the same as the import
  bool inherit_configuration = false;  // whether it may use all that its parent may
  std::vector<std::string>
      inherited_keys;  // or only these: "allowed_outbound_hosts", "key_value_stores" …
};

enum class Executor : uint8_t {
  kHttp,  // whichever HTTP world the component exports
  kWagi,  // a WASI command run as CGI (RFC 3875)
};

struct Component {
  std::string id;
  std::string description;
  Source source;
  std::vector<FileMount> files;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> variables;  // name → template, such as "{{ api_host }}/v1"
  std::vector<std::string>
      allowed_outbound_hosts;  // as written, may hold templates; see outbound.h
  std::vector<std::string> key_value_stores;
  std::vector<std::string> sqlite_databases;
  std::vector<std::string> object_stores;
  std::vector<std::string> queues;  // that it may send to
  std::vector<std::string> ai_models;
  std::vector<Dependency> dependencies;
  std::optional<Build> build;
  Reuse reuse;
  Limits limits;
  std::string place;  // "spin.toml:14:1", for messages
};

// What cusp.toml says of a database: [sqlite.NAME].
struct SqlDatabase {
  std::string name;        // in some component's sqlite_databases
  std::string migrations;  // a folder, absolute; empty: the schema is the app's own affair
  uint64_t bytes_max = limits::kSqlDatabaseBytesMax;
  uint64_t result_bytes_max = limits::kSqlResultBytesMax;
  uint32_t rows_max = limits::kSqlRowsMax;
  std::chrono::milliseconds time_max = limits::kSqlTimeMax;  // of a statement
  std::string place;
};

struct StaticResponse {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// What part of the URL space leads where. See routes.h for how a request is matched.
struct Route {
  std::string pattern;  // "/users/:id", "/static/...", "/..." ; empty for a private one
  bool is_private = false;
  std::string component;  // a Component::id; empty when something else answers
  std::optional<StaticResponse> static_response;
  size_t position = 0;  // among the routes of the manifest: where the edge finds its part
  Executor executor = Executor::kHttp;
  std::vector<std::string> wagi_argv;  // with templates of wagi: "${SCRIPT_NAME} ${ARGS}"
  std::string wagi_entrypoint = "_start";
  std::string place;
};

struct Variable {
  bool required = false;
  bool secret = false;
  std::optional<std::string> default_value;
};

enum class ManifestKind : uint8_t { kCusp, kSpin, kBare };

struct App {
  ManifestKind kind = ManifestKind::kBare;
  std::string name;
  std::string version;
  std::string description;
  std::string manifest_path;  // absolute; for a bare component the component's own path
  std::string directory;      // where relative paths start
  std::vector<std::string>
      hosts;  // host names this app answers on, "*.example.com" allowed; empty: every host
  std::map<std::string, Variable> variables;
  std::vector<Component> components;
  std::vector<Route> routes;
  std::vector<QueueTrigger> queue_triggers;
  std::vector<CronTrigger> cron_triggers;
  std::vector<RedisTrigger> redis_triggers;
  std::vector<SqlDatabase> databases;  // those of which the manifest says more than the name
  // The document of a cusp.toml: [edge] and [upstream.x] are for the edge to read. Shared by
  // copies.
  std::shared_ptr<TomlFile> document;
  std::vector<std::string> warnings;  // "place: message", for the person who starts the app

  const Component* find_component(std::string_view id) const;
  // Whether something other than a request from outside starts a component.
  bool has_triggers() const {
    return !queue_triggers.empty() || !cron_triggers.empty() || !redis_triggers.empty();
  }
};

struct LoadOptions {
  std::string profile;  // spin.toml [component.x.profile.NAME]; empty: none
};

// Reads `path`: a .wasm or .wat file (served on every host and path), a manifest, or a folder with
// cusp.toml or spin.toml (cusp.toml wins). Errors: kNotFound, and kInvalidArgument with
// "file:line:column" as context, what was expected and, for an unknown key or name, the nearest
// valid one.
Result<App> load_app(const std::string& path, const LoadOptions& options = {});

// Whether every local source is there, now that builds have run: load_app() leaves those of
// components with a build unchecked. Errors: kNotFound naming the path, and `cusp build` if that
// makes it.
Result<> check_sources(const App& app);

}  // namespace cusp::app
