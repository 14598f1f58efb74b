#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "edge/upstream/upstream.h"

namespace cusp::edge {

namespace {

using std::chrono::milliseconds;

constexpr int64_t kWeightMax = 1000;
constexpr int64_t kRetriesMax = 5;

std::unique_ptr<Target> read_target(const Value& value) {
  std::string url;
  int64_t weight = 1;
  if (value.is_string()) {
    url = value.string().value_or("");
  } else if (auto table = value.table("a target")) {
    url = table->required_string("url");
    weight = table->integer("weight", 1, kWeightMax).value_or(1);
    table->finish();
  }
  auto target = parse_target(url);
  if (!target) {
    value.error(
        fmt::format("'{}' is not the address of an upstream: expected a URL such as "
                    "\"https://api.example.com\", without a path",
                    url));
    return nullptr;
  }
  target->weight = static_cast<uint32_t>(weight);
  return target;
}

template <class Duration>
void read_duration(TableReader& table, std::string_view key, Duration& duration) {
  const auto value = table.value(key);
  if (const auto read = value ? value->duration() : std::nullopt) duration = *read;
}

uint32_t read_count(TableReader& table, std::string_view key, uint32_t fallback) {
  return static_cast<uint32_t>(table.integer(key, 1, 1000).value_or(fallback));
}

HealthCheck read_health(TableReader table) {
  HealthCheck check{.path = table.required_string("path")};
  if (!check.path.starts_with('/')) table.error("the path of a health check begins with '/'");
  read_duration(table, "interval", check.interval);
  read_duration(table, "timeout", check.timeout);
  check.healthy_after = read_count(table, "healthy_after", check.healthy_after);
  check.unhealthy_after = read_count(table, "unhealthy_after", check.unhealthy_after);
  check.status = static_cast<uint16_t>(table.integer("status", 100, 599).value_or(check.status));
  if (check.interval < milliseconds(100)) table.error("'interval' is at least \"100ms\"");
  table.finish();
  return check;
}

void read_tls(TableReader table, http::ClientOptions& client, const std::string& directory) {
  client.tls_server_name = table.string_or("server_name", "");
  if (const auto path = table.string("ca_file")) {
    client.tls_ca_file = (std::filesystem::path(directory) / *path).lexically_normal().string();
    if (!std::filesystem::exists(client.tls_ca_file)) {
      table.error(fmt::format("there is no file {}", client.tls_ca_file), ErrorCode::kNotFound);
    }
  }
  client.tls_verify = table.boolean("verify").value_or(true);
  table.finish();
}

void read_choice(TableReader& table, UpstreamOptions& options) {
  if (const auto value = table.value("balance")) {
    const std::string name = value->string().value_or("least_loaded");
    if (name == "weighted") {
      options.balance = Balance::kWeighted;
    } else if (name != "least_loaded") {
      value->error(
          fmt::format("'{}' is not a way to balance; known: least_loaded, weighted", name));
    }
  }
  if (const auto value = table.value("http")) {
    const std::string version = value->string().value_or("auto");
    if (version == "1.1") {
      options.client.version = http::ClientVersion::kHttp1;
    } else if (version == "2") {
      options.client.version = http::ClientVersion::kHttp2;
    } else if (version != "auto") {
      value->error(fmt::format("'{}' is not a version of HTTP; known: 1.1, 2, auto", version));
    }
  }
}

std::vector<std::unique_ptr<Target>> read_targets(TableReader& table) {
  std::vector<std::unique_ptr<Target>> targets;
  const auto url = table.value("url");
  const auto list = table.value("targets");
  if (url.has_value() == list.has_value()) {
    table.error("an upstream needs exactly one of 'url' and 'targets'");
    return targets;
  }
  if (url) targets.push_back(read_target(*url));
  for (const Value& value : list ? list->elements() : std::vector<Value>()) {
    targets.push_back(read_target(value));
  }
  if (list && targets.empty()) list->error("'targets' is empty");
  return targets;
}

void read_options(TableReader& table, UpstreamOptions& options, const std::string& directory) {
  read_choice(table, options);
  options.retries =
      static_cast<uint32_t>(table.integer("retries", 0, kRetriesMax).value_or(options.retries));
  read_duration(table, "hedge", options.hedge);
  read_duration(table, "connect_timeout", options.client.connect_timeout);
  read_duration(table, "first_byte_timeout", options.client.first_byte_timeout);
  read_duration(table, "idle_timeout", options.client.between_bytes_timeout);
  read_duration(table, "tunnel_idle_timeout", options.client.tunnel_idle_timeout);
  options.client.connections_max =
      read_count(table, "connections", static_cast<uint32_t>(options.client.connections_max));
  options.keep_host = table.boolean("keep_host").value_or(false);
  options.private_addresses = table.boolean("private_addresses").value_or(false);
  if (auto tls = table.table("tls")) read_tls(*tls, options.client, directory);
  if (auto health = table.table("health")) options.health = read_health(*health);
  if (auto eject = table.table("eject")) {
    options.ejection.failures =
        static_cast<uint32_t>(eject->integer("failures", 0, 1000).value_or(5));
    read_duration(*eject, "duration", options.ejection.duration);
    eject->finish();
  }
  if (const auto shield = table.value("shield")) options.shield = read_target(*shield);
}

}  // namespace

std::shared_ptr<const Upstream> read_upstream(const std::string& name, const Value& value,
                                              const std::string& directory) {
  UpstreamOptions options{.name = name};
  std::vector<std::unique_ptr<Target>> targets;
  if (value.is_string()) {
    targets.push_back(read_target(value));
  } else if (auto table = value.table(fmt::format("[upstream.{}]", name))) {
    targets = read_targets(*table);
    read_options(*table, options, directory);
    table->finish();
  }
  const bool wrong = std::ranges::any_of(targets, [](const auto& target) { return !target; });
  if (targets.empty() || wrong) return nullptr;
  return std::make_shared<Upstream>(std::move(options), std::move(targets));
}

}  // namespace cusp::edge
