#include <atomic>

#include <fmt/format.h>

#include "base/base64.h"
#include "edge/auth/credentials.h"
#include "edge/auth/name_list.h"
#include "edge/auth/password.h"
#include "edge/features/features.h"
#include "io/asio.h"
#include "io/blocking_pool.h"

// basic_auth = { users = { alice = "$2b$12$…" }, users_file = "users.htpasswd", field = "x-user" }
namespace cusp::edge {

namespace {

// A longer one is refused unread: crypt(5) takes 512 bytes.
constexpr size_t kPasswordBytesMax = 511;
// Passwords that are looked at, or wait for it, at one time: each takes a core for a while.
constexpr int kChecksMax = 16;

struct Login {
  std::string name;
  std::string password;
};

// RFC 7617 section 2.
std::optional<Login> find_login(const http::Fields& fields) {
  const auto credentials = authorization(fields, "basic");
  const auto text = credentials ? base64_decode(*credentials) : std::nullopt;
  const size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos || text->find('\0') != text->npos) return std::nullopt;
  Login login{text->substr(0, colon), text->substr(colon + 1)};
  if (login.password.size() > kPasswordBytesMax) return std::nullopt;
  return login;
}

struct BasicOptions {
  std::string realm;
  std::map<std::string, std::string> users;  // name → hash
  std::optional<TrustedField> field;
  bool forward = false;
};

class BasicAuth final : public Feature {
 public:
  BasicAuth(BasicOptions options, io::BlockingPool& blocking)
      : options_(std::move(options)), blocking_(blocking) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    if (options_.field) options_.field->remove_forged(exchange.request.fields);
    const auto login = find_login(exchange.request.fields);
    if (!login) return refuse(exchange, "no name and password");
    if (!verified_.contains(login->name, login->password)) return Wait{};
    return welcome(exchange, *login);
  }

  io::Task<Outcome> act_later(Exchange& exchange) const override {
    const Counted counted(checks_);
    if (counted.number > kChecksMax) {
      exchange.explain([] { return "too many passwords are being checked"; });
      http::Response response = http::text_response(503, "Service Unavailable\n");
      response.fields.set("retry-after", "1");
      co_return response;
    }
    const Login login = find_login(exchange.request.fields).value_or(Login());
    const auto found = options_.users.find(login.name);
    const bool known = found != options_.users.end();
    // For a name that nobody has, somebody's hash is tried: the answer takes as long.
    const std::string& hash = known ? found->second : options_.users.begin()->second;
    bool matches = false;
    co_await blocking_.run([&] { matches = verify_password(login.password, hash); });
    if (!known || !matches) co_return refuse(exchange, "the name or the password is wrong");
    verified_.add(login.name, login.password);
    co_return welcome(exchange, login);
  }

 private:
  struct Counted {
    explicit Counted(std::atomic<int>& count_in) : count(count_in), number(++count_in) {}
    ~Counted() { --count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::atomic<int>& count;
    const int number;
  };

  Outcome welcome(Exchange& exchange, const Login& login) const {
    http::Fields& fields = exchange.request.fields;
    if (!options_.forward) fields.remove("authorization");
    if (options_.field) options_.field->set(fields, login.name);
    exchange.known_good = true;
    exchange.explain([&] { return fmt::format("this is '{}'", login.name); });
    return Continue{};
  }

  Outcome refuse(Exchange& exchange, std::string_view why) const {
    exchange.explain([&] { return std::string(why); });
    return unauthorized(
        fmt::format("Basic realm={}, charset=\"UTF-8\"", quoted_string(options_.realm)));
  }

  const BasicOptions options_;
  io::BlockingPool& blocking_;
  mutable VerifiedPasswords verified_;  // thread-safe
  mutable std::atomic<int> checks_ = 0;
};

}  // namespace

std::unique_ptr<Feature> read_basic_auth(const Value& value, const FeatureContext& context) {
  auto table = value.table("the table 'basic_auth'");
  if (!table) return nullptr;
  BasicOptions options{.realm = table->string_or("realm", context.app)};
  if (!http::valid_field_value(options.realm)) table->error("'realm' cannot stand in a field");
  options.users = read_name_list(*table, "users", context.directory);
  for (const auto& [name, hash] : options.users) {
    if (is_password_hash(hash)) continue;
    table->error(
        fmt::format("the password of '{}' is not hashed with yescrypt, bcrypt, scrypt or "
                    "SHA-crypt; make a hash with `mkpasswd` or `htpasswd -B`",
                    name));
  }
  if (const auto field = table->value("field")) {
    options.field.emplace(TrustedField::read_name(*field, field->string().value_or("")));
  }
  options.forward = table->boolean("forward").value_or(false);
  table->finish();
  if (context.blocking == nullptr) {
    value.error("'basic_auth' needs the node's threads for hashes, and this is not a node");
  }
  if (context.blocking == nullptr || options.users.empty()) return nullptr;
  return std::make_unique<BasicAuth>(std::move(options), *context.blocking);
}

}  // namespace cusp::edge
