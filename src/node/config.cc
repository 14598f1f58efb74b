#include "node/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "app/identifiers.h"
#include "base/table_reader.h"

namespace cusp::node {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kShardsMax = 1024;
constexpr uint16_t kHttpsPort = 443;
constexpr const char* kDefaultDirectory = "https://acme-v02.api.letsencrypt.org/directory";

bool is_address(const std::string& text) {
  in6_addr ignored;
  return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

class Reader {
 public:
  Reader(TomlFile& file, fs::path folder) : file_(file), folder_(std::move(folder)) {}

  Result<NodeOptions> read() {
    TableReader root = file_.root();
    options_.state_directory = default_state_directory();
    if (const auto text = root.string("state_dir")) options_.state_directory = absolute(*text);
    if (const auto text = root.string("stores_dir")) options_.stores_directory = absolute(*text);
    options_.shards = static_cast<size_t>(root.integer("shards", 0, kShardsMax).value_or(0));
    for (auto& table : root.tables("listen")) read_listen(table);
    for (auto& table : root.tables("app")) read_app(table);
    if (auto table = root.table("log")) read_log(*table);
    if (auto table = root.table("s3")) read_s3(*table);
    if (auto table = root.table("admin")) read_admin(*table);
    if (auto table = root.table("data")) read_data(*table);
    if (auto table = root.table("cache")) read_cache(*table);
    if (auto table = root.table("geo")) read_geo(*table);
    root.ignore("edge");  // read when the node is there that its features need
    if (auto table = root.table("acme")) read_acme(*table);
    for (const Listen& listen : options_.listen) {
      if (listen.acme && !options_.acme) root.error("'acme = true' of a listener needs [acme]");
    }
    root.finish();
    if (options_.listen.empty()) {
      root.error("there is no [[listen]]; add one, such as address = \"127.0.0.1:3000\"");
    }
    CUSP_CHECK(file_.diagnostics().result());
    return std::move(options_);
  }

 private:
  void read_address(TableReader& table, Listen& listen) {
    const auto value = table.value("address");
    if (!value) {
      table.error(
          fmt::format("{} needs the key 'address', such as \"127.0.0.1:3000\"", table.what()));
      return;
    }
    const auto text = value->string();
    auto parsed = text ? parse_listen(*text) : Result<Listen>(listen);
    if (parsed) {
      listen = std::move(*parsed);
    } else {
      value->error("'address': " + parsed.error().message);
    }
  }

  void read_log(TableReader& table) {
    if (const auto path = table.string("access")) {
      options_.access_log = *path == "-" ? *path : absolute(*path);
    }
    options_.server_timing = table.boolean("server_timing").value_or(false);
    table.finish();
  }

  void read_admin(TableReader& table) {
    Listen listen;
    read_address(table, listen);
    table.finish();
    options_.admin = std::move(listen);
  }

  void read_data(TableReader& table) {
    Listen listen;
    read_address(table, listen);
    read_certificates(table, listen);
    table.finish();
    options_.data = std::move(listen);
  }

  void read_certificates(TableReader& table, Listen& listen) {
    for (auto& certificate : table.tables("tls", "'tls'")) {
      const std::string chain = certificate.required_string("certificate");
      const std::string key = certificate.required_string("key");
      certificate.finish();
      listen.certificates.push_back({absolute(chain), absolute(key)});
    }
  }

  void read_s3(TableReader& table) {
    S3Options s3;
    read_address(table, s3.listen);
    read_certificates(table, s3.listen);
    if (const auto domain = table.value("domain")) {
      s3.domain = domain->string().value_or("");
      if (const auto problem = app::check_host_pattern(s3.domain); !problem.empty()) {
        domain->error(fmt::format("'{}' in 'domain': {}", s3.domain, problem));
      }
    }
    table.finish();
    options_.s3 = std::move(s3);
  }

  void read_cache(TableReader& table) {
    edge::cache::CacheOptions& cache = options_.cache;
    const auto size = [&](std::string_view key, auto& bytes) {
      if (const auto value = table.value(key)) bytes = value->bytes().value_or(bytes);
    };
    size("memory", cache.memory_bytes_max);
    if (const auto path = table.string("disk")) cache.disk_directory = absolute(*path);
    size("disk_size", cache.disk_bytes_max);
    size("object_size", cache.object_bytes_max);
    table.finish();
  }

  void read_acme(TableReader& table) {
    acme::Options acme;
    const auto directory = table.value("directory");
    acme.directory = directory ? directory->string().value_or("") : kDefaultDirectory;
    if (!acme.directory.starts_with("https://"))
      directory->error("'directory' is the https URL of an ACME server");
    acme.email = table.string_or("email", "");
    if (const auto path = table.string("ca_file")) acme.ca_file = absolute(*path);
    const auto domains = table.value("domains");
    if (domains) acme.domains = domains->strings();
    if (acme.domains.empty()) table.error("[acme] needs 'domains', such as [\"example.com\"]");
    for (const auto& domain : acme.domains) {
      const bool plain = domain.find('*') == domain.npos && !is_address(domain) &&
                         !std::ranges::any_of(domain, [](char c) { return c >= 'A' && c <= 'Z'; });
      if (!plain || !app::check_host_pattern(domain).empty()) {
        domains->error(
            fmt::format("'{}' in 'domains' is not a host name in lower case, without '*'", domain));
      }
    }
    if (const auto challenges = table.value("challenges")) {
      acme.challenges = challenges->strings();
      for (const auto& one : acme.challenges) {
        if (one == acme::kHttp01 || one == acme::kTlsAlpn01) continue;
        challenges->error(
            fmt::format("'{}' in 'challenges' is neither tls-alpn-01 nor http-01", one));
      }
      if (acme.challenges.empty()) challenges->error("'challenges' needs at least one");
    }
    table.finish();
    options_.acme = std::move(acme);
  }

  void read_clients(TableReader& table, Listen& listen) {
    const auto authorities = table.value("client_ca");
    const auto needed = table.value("client_certificate");
    if (needed && !authorities) needed->error("'client_certificate' needs 'client_ca' beside it");
    if (!authorities) return;
    if (!listen.tls()) authorities->error("'client_ca' needs 'tls' beside it");
    if (const auto path = authorities->string()) listen.client_ca = absolute(*path);
    const std::string text = needed ? needed->string().value_or("required") : "required";
    listen.clients =
        text == "optional" ? io::ClientCertificates::kOptional : io::ClientCertificates::kRequired;
    if (text != "optional" && text != "required") {
      needed->error(
          fmt::format("'client_certificate' is \"required\" or \"optional\", not \"{}\"", text));
    }
  }

  void read_redirect(TableReader& table, Listen& listen) {
    const auto redirect = table.value("redirect_https");
    if (!redirect) return;
    if (listen.tls()) redirect->error("'redirect_https' is for listeners without TLS");
    if (redirect->is_boolean()) {
      if (redirect->boolean().value_or(false)) listen.rules.redirect_port = kHttpsPort;
    } else if (const auto port = redirect->integer(1, UINT16_MAX)) {
      listen.rules.redirect_port = static_cast<uint16_t>(*port);
    }
  }

  void read_geo(TableReader& table) {
    const auto file = [&](std::string_view key, std::string& path) {
      if (const auto text = table.string(key)) path = absolute(*text);
    };
    file("country", options_.geo.country);
    file("city", options_.geo.city);
    file("asn", options_.geo.asn);
    table.finish();
  }

  void read_listen(TableReader& table) {
    Listen listen;
    read_address(table, listen);
    read_certificates(table, listen);
    listen.acme = table.boolean("acme").value_or(false);
    read_clients(table, listen);
    read_redirect(table, listen);
    if (const auto age = table.value("hsts")) {
      if (!listen.tls())
        age->error("'hsts' is for listeners with TLS: browsers ignore it elsewhere");
      const auto time = age->duration().value_or(std::chrono::milliseconds(0));
      listen.rules.hsts = std::chrono::duration_cast<std::chrono::seconds>(time);
    }
    table.finish();
    options_.listen.push_back(std::move(listen));
  }

  void read_app(TableReader& table) {
    AppSource source;
    source.path = absolute(table.required_string("path"));
    source.profile = table.string_or("profile", "");
    if (const auto hosts = table.value("hosts")) {
      source.hosts = hosts->strings();
      for (const auto& host : source.hosts) {
        if (const auto problem = app::check_host_pattern(host); !problem.empty())
          hosts->error(fmt::format("'{}' in 'hosts': {}", host, problem));
      }
    }
    source.variables = table.string_map("variables");
    if (const auto text = table.string("runtime_config")) source.runtime_config = absolute(*text);
    table.finish();
    options_.apps.push_back(std::move(source));
  }

  std::string absolute(const std::string& path) const {
    return (folder_ / path).lexically_normal().string();
  }

  TomlFile& file_;
  const fs::path folder_;
  NodeOptions options_;
};

Result<NodeOptions> read(TomlFile file, const std::string& path) {
  auto document = std::make_shared<TomlFile>(std::move(file));
  auto options = Reader(*document, fs::absolute(path).parent_path()).read();
  if (options) options->document = std::move(document);
  return options;
}

}  // namespace

Result<Listen> parse_listen(std::string_view text) {
  const auto malformed = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not ADDRESS:PORT, such as 127.0.0.1:3000 or [::1]:3000", text));
  };
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return malformed();
  Listen listen;
  const char* first = text.data() + colon + 1;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, listen.port);
  if (error != std::errc() || end != last) return malformed();
  std::string address(text.substr(0, colon));
  const bool bracketed = address.size() > 2 && address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (bracketed != (address.find(':') != address.npos)) return malformed();
  if (address == "localhost") address = "127.0.0.1";
  if (address.empty()) return listen;
  if (!is_address(address)) return malformed();
  listen.address = std::move(address);
  return listen;
}

Result<NodeOptions> load_node_config(const std::string& path) {
  CUSP_TRY(TomlFile file, TomlFile::read(path));
  return read(std::move(file), path);
}

Result<NodeOptions> parse_node_config(std::string_view text, const std::string& path) {
  CUSP_TRY(TomlFile file, TomlFile::parse(text, path));
  return read(std::move(file), path);
}

}  // namespace cusp::node
