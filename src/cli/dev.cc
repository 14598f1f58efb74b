#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "cli/builds.h"
#include "cli/change_filter.h"
#include "cli/command.h"
#include "cli/serve_options.h"
#include "cli/terminal.h"
#include "cli/watch_rules.h"
#include "cli/watcher.h"
#include "node/secret_store.h"

namespace cusp::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kDebounce = 100ms;  // of quiet before a change is acted on
constexpr auto kDebounceMax = 1s;  // even when it is never quiet

constexpr const char* kFooter = R"(Examples:
  cusp dev
  cusp dev apps/shop --listen :8080 --variable currency=CHF
  cusp dev handler.wasm
  cusp dev --from tokyo

Builds the application, serves it, and does both again for what changed: the manifest, .env, what
each build watches (without a `watch` list: src/ and the usual project files), components and
mounted files. The swap drops no request. After a failed build the last good version goes on; the
error is shown here and, until the next success, to browsers.
Exit codes: 0 stopped; 2 a flag or, at the start, the manifest is wrong; 3 there is no such folder;
4 the port needs more rights; 5 the port is taken.)";

// `cusp dev` from its start to a signal. What a source's change means is in watch_rules.h.
class DevLoop {
 public:
  DevLoop(std::string path, std::string profile, node::NodeOptions options)
      : path_(std::move(path)), profile_(std::move(profile)), options_(std::move(options)) {}

  Result<> run() {
    CUSP_TRY(app::App app, app::load_app(path_, {.profile = profile_}));
    // The port first: a long build for nothing helps nobody.
    std::swap(apps_, options_.apps);
    CUSP_TRY(node_, node::Node::start(options_));
    node_->set_notice(Error{ErrorCode::kUnavailable, "The first build runs.", path_});
    CUSP_CHECK(take_over(std::move(app)));
    update({});
    if (!signals_.take()) {
      print_urls(*node_);
      while (const auto changes = next_changes()) update(*changes);
    }
    print_progress("stopping: requests in flight may finish");
    signals_.release();
    node_->stop();
    return {};
  }

 private:
  // Makes `app` the one that is watched and built.
  Result<> take_over(app::App app) {
    std::vector<std::string> others = {
        node::SecretStore::file_of(options_.state_directory, app.name)};
    const std::string& runtime_config = options_of_app().runtime_config;
    if (!runtime_config.empty()) others.push_back(runtime_config);
    CUSP_TRY(auto rules, watch_rules(app, others));
    CUSP_TRY(auto watcher, Watcher::create());
    for (const auto& rule : rules) CUSP_CHECK(watcher->add(rule.path, rule.recursive));
    for (const auto& component : app.components) {
      if (component.build && !has_same_build(component)) stale_.insert(component.id);
    }
    if (watcher_) keep_pending(/*sources_only=*/false);
    app_ = std::move(app);
    rules_ = std::move(rules);
    watcher_ = std::move(watcher);
    return {};
  }

  const node::AppSource& options_of_app() const { return apps_.front(); }

  // Whether a component was built by the same commands before, and the result is still there.
  bool has_same_build(const app::Component& component) const {
    const app::Component* before = app_ ? app_->find_component(component.id) : nullptr;
    std::error_code ignored;
    return before != nullptr && before->build &&
           before->build->commands == component.build->commands &&
           before->build->directory == component.build->directory &&
           (component.source.path.empty() ||
            std::filesystem::exists(component.source.path, ignored));
  }

  // Waits for changes that matter, and until they end for a moment; nothing: a signal came.
  std::optional<Watcher::Changes> next_changes() {
    Watcher::Changes changes = std::exchange(pending_, {});
    Clock::time_point first = Clock::now();
    while (true) {
      pollfd waited[] = {{.fd = signals_.descriptor(), .events = POLLIN},
                         {.fd = watcher_->descriptor(), .events = POLLIN}};
      const bool changed = !changes.paths.empty() || changes.lost;
      const int ready = ::poll(waited, 2, changed ? static_cast<int>(kDebounce.count()) : -1);
      if (waited[0].revents != 0) return std::nullopt;
      Watcher::Changes more = watcher_->take();
      std::erase_if(more.paths, [this](const std::string& path) { return !matters(path); });
      if (!changed) first = Clock::now();
      changes.paths.merge(more.paths);
      changes.lost |= more.lost;
      if (!changed || (ready > 0 && Clock::now() - first < kDebounceMax)) continue;
      std::erase_if(changes.paths,
                    [this](const std::string& path) { return !filter_.is_new(path); });
      if (changes.lost || !changes.paths.empty()) return changes;
    }
  }

  bool matters(std::string_view path) const {
    return std::ranges::any_of(rules_, [&](const auto& rule) { return rule.matches(path); });
  }

  void update(const Watcher::Changes& changes) {
    const auto started = Clock::now();
    for (const auto& path : changes.paths) {
      print_progress(
          fmt::format("changed: {}",
                      std::filesystem::path(path).lexically_proximate(app_->directory).string()));
    }
    mark_stale(changes);
    auto result = build_and_swap();
    if (result) {
      const std::chrono::duration<double> elapsed = Clock::now() - started;
      node_->set_notice({});
      print_progress(fmt::format("{} after {:.2f} s", styled(Style::kGreen, "up to date", 2),
                                 elapsed.count()));
      serving_ = true;
    } else if (result.error().code != ErrorCode::kCancelled) {
      node_->set_notice(result.error());
      // Below its first line stands what the build has already written here.
      Error shown = result.error();
      shown.message.resize(std::min(shown.message.find(":\n"), shown.message.size()));
      print_error(shown);
      print_progress(serving_ ? "the last good version goes on; waiting for a change"
                              : "nothing is served yet; waiting for a change");
    }
  }

  void mark_stale(const Watcher::Changes& changes) {
    for (const auto& rule : rules_) {
      if (rule.component.empty()) continue;
      const bool hit = changes.lost || std::ranges::any_of(changes.paths, [&](const auto& path) {
                         return rule.matches(path);
                       });
      if (hit) stale_.insert(rule.component);
    }
  }

  Result<> build_and_swap() {
    CUSP_TRY(app::App app, app::load_app(path_, {.profile = profile_}));
    CUSP_CHECK(take_over(std::move(app)));
    for (const auto& component : app_->components) {
      if (!stale_.contains(component.id)) continue;
      // Off the list first: what changes while it builds puts it there again.
      CUSP_CHECK(run_build(component, Output::kKeep, signals_.descriptor()));
      stale_.erase(component.id);
    }
    CUSP_CHECK(node_->reload(apps_));
    // What builds wrote is served now, and no change.
    keep_pending(/*sources_only=*/true);
    return {};
  }

  // Takes what the watcher has seen by now for the next call of next_changes().
  void keep_pending(bool sources_only) {
    Watcher::Changes changes = watcher_->take();
    std::erase_if(changes.paths, [&](const std::string& path) {
      return std::ranges::none_of(rules_, [&](const auto& rule) {
        return (!sources_only || !rule.component.empty()) && rule.matches(path);
      });
    });
    pending_.paths.merge(changes.paths);
    pending_.lost |= changes.lost;
  }

  const std::string path_;
  const std::string profile_;
  node::NodeOptions options_;
  std::vector<node::AppSource> apps_;
  Signals signals_{SIGINT, SIGTERM};
  std::unique_ptr<node::Node> node_;
  std::optional<app::App> app_;  // as it was last loaded without an error
  std::vector<WatchRule> rules_;
  std::unique_ptr<Watcher> watcher_;
  Watcher::Changes pending_;  // seen while something else was done
  ChangeFilter filter_;
  std::set<std::string> stale_;  // components to build
  bool serving_ = false;
};

Result<> dev(const ServeOptions& options) {
  CUSP_TRY(node::NodeOptions node_options, to_node_options(options));
  node_options.show_errors = true;
  return DevLoop(options.path, options.profile, std::move(node_options)).run();
}

}  // namespace

void add_dev(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ServeOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand(
      "dev", "Build and serve an application, and again whenever its sources change");
  add_serve_options(*command, *options);
  command->add_option("--from", options->from,
                      "Pretend that clients are in a city (tokyo), a country (JP) or where an "
                      "address is");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return dev(*options); }; });
}

}  // namespace cusp::cli
