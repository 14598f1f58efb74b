#include "host/libsql.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "host/call_end.h"
#include "host/libsql_protocol.h"
#include "http/client.h"
#include "http/read_within.h"
#include "io/asio.h"

namespace cusp::host {

namespace {

namespace sql = store::sql;
using Clock = std::chrono::steady_clock;

constexpr size_t kRefusalBytesMax = 64 * limits::kKiB;

// What all connections to one database share. Immutable.
struct Setup {
  LibsqlServer server;
  std::string token;
  sql::Limits bounds;
};
using SetupPtr = std::shared_ptr<const Setup>;  // shared with connections and what ends them

struct Reply {
  uint16_t status;
  std::string body;
};

io::Task<Result<Reply>> exchange(http::Client& client, SetupPtr setup, LibsqlServer place,
                                 std::string body) {
  http::Request request{.method = "POST",
                        .scheme = place.scheme,
                        .authority = place.authority,
                        .target = place.path + "/v3/pipeline"};
  request.fields.add("content-type", "application/json");
  if (!setup->token.empty()) request.fields.add("authorization", "Bearer " + setup->token);
  request.body = http::make_body(std::move(body));
  http::ClientOptions options;
  options.first_byte_timeout = setup->bounds.time_max;
  options.between_bytes_timeout = setup->bounds.time_max;
  const auto deadline = Clock::now() + setup->bounds.time_max;
  auto response = co_await client.send(std::move(request), std::move(options));
  if (!response) co_return std::unexpected(std::move(response.error().error));
  const size_t bytes_max =
      response->status == 200 ? limits::kLibsqlAnswerBytesMax : kRefusalBytesMax;
  CUSP_CO_TRY(std::string text, co_await http::read_within(response->body.get(), bytes_max,
                                                           deadline, "the libSQL server"));
  co_return Reply{.status = response->status, .body = std::move(text)};
}

// Nobody waits for it, and a server that does not hear it ends the stream by itself.
io::Task<> close_stream(http::Client& client, SetupPtr setup, LibsqlServer place,
                        std::string baton) {
  std::string body = libsql_close(baton);
  co_await exchange(client, std::move(setup), std::move(place), std::move(body));
}

class LibsqlConnection final : public SqlConnection {
 public:
  LibsqlConnection(SetupPtr setup, const Caller& caller)
      : setup_(std::move(setup)),
        executor_(caller.executor),
        client_(*caller.http_client),
        place_(setup_->server) {}

  ~LibsqlConnection() override {
    if (baton_.empty()) return;
    io::asio::co_spawn(executor_, close_stream(client_, setup_, place_, std::move(baton_)),
                       io::asio::detached);
  }

  std::optional<Result<sql::Rows>> try_execute(const sql::Statement&) override {
    return std::nullopt;
  }

  io::Task<Result<sql::Rows>> execute(sql::Statement statement) override {
    if (!lost_.empty()) co_return fail(ErrorCode::kUnavailable, lost_);
    while (true) {
      CUSP_CO_TRY(std::string body, libsql_request(statement, baton_));
      const bool continues = !std::exchange(baton_, {}).empty();
      const auto reply = co_await exchange(client_, setup_, place_, std::move(body));
      if (!reply) co_return lose(reply.error());
      if (reply->status == 200) co_return take(read_libsql_answer(reply->body, setup_->bounds));
      LibsqlRefusal refusal = read_libsql_refusal(reply->status, reply->body);
      // Nothing was lost with a stream that had no transaction.
      if (refusal.expired && continues && !in_transaction_) {
        place_ = setup_->server;
        continue;
      }
      co_return lose({ErrorCode::kUnavailable, std::move(refusal.message), {}});
    }
  }

 private:
  Result<sql::Rows> take(Result<LibsqlAnswer> answer) {
    if (!answer) return lose(std::move(answer.error()));
    if (!answer->base_url.empty()) {
      auto place = LibsqlServer::parse(answer->base_url);
      if (!place || !setup_->server.covers(*place)) {
        return lose({ErrorCode::kUnavailable,
                     "the libSQL server sends its client to another host, which is refused",
                     {}});
      }
      place_ = std::move(*place);
    }
    baton_ = std::move(answer->baton);
    in_transaction_ = answer->in_transaction;
    if (baton_.empty() && in_transaction_) {
      return lose({ErrorCode::kUnavailable, "the libSQL server has ended the connection", {}});
    }
    if (!answer->rows) return std::unexpected(std::move(answer->rows.error()));
    sql::Rows rows = std::move(*answer->rows);
    last_.changes = rows.changes;
    if (answer->insert_rowid) last_.insert_rowid = *answer->insert_rowid;
    rows.last = last_;
    return rows;
  }

  // The guest must not go on as if its transaction were open.
  std::unexpected<Error> lose(Error error) {
    if (std::exchange(in_transaction_, false)) {
      lost_ = "the connection to the libSQL server was lost in a transaction; open another one";
    }
    place_ = setup_->server;
    return std::unexpected(std::move(error));
  }

  const SetupPtr setup_;
  const io::Executor executor_;
  http::Client& client_;  // the shard's
  LibsqlServer place_;    // where the stream is
  std::string baton_;     // empty: there is no stream
  bool in_transaction_ = false;
  sql::Last last_;
  std::string lost_;  // why it can go on no more
};

class LibsqlDatabase final : public SqlDatabase {
 public:
  explicit LibsqlDatabase(SetupPtr setup) : setup_(std::move(setup)) {}

  std::unique_ptr<SqlConnection> connect(const Caller& caller) override {
    return std::make_unique<LibsqlConnection>(setup_, caller);
  }

 private:
  const SetupPtr setup_;
};

std::string_view host_of(std::string_view authority) {
  const size_t colon = authority.find(':', authority.find(']') + 1);
  return authority.substr(0, colon);
}

}  // namespace

Result<LibsqlServer> LibsqlServer::parse(std::string_view url) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' {}", url, what));
  };
  const size_t colon = url.find("://");
  std::string_view scheme = url.substr(0, colon);
  if (scheme == "libsql") scheme = "https";
  if (colon == url.npos || (scheme != "https" && scheme != "http")) {
    return wrong("must be a URL of libsql, https or http, such as \"libsql://shop-me.turso.io\"");
  }
  std::string_view rest = url.substr(colon + 3);
  if (rest.find_first_of("?#@ ") != rest.npos) {
    return wrong("must be host and path alone; 'token' is a key of its own");
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  LibsqlServer server{.scheme = std::string(scheme),
                      .authority = std::string(rest.substr(0, slash)),
                      .path = std::string(rest.substr(slash))};
  while (server.path.ends_with('/')) server.path.pop_back();
  if (host_of(server.authority).empty()) return wrong("names no host");
  return server;
}

bool LibsqlServer::covers(const LibsqlServer& other) const {
  if (scheme != other.scheme) return false;
  const std::string_view mine = host_of(authority);
  const std::string_view theirs = host_of(other.authority);
  return theirs == mine || theirs.ends_with(fmt::format(".{}", mine));
}

std::shared_ptr<SqlDatabase> make_libsql_database(LibsqlServer server, std::string token,
                                                  const sql::Limits& bounds) {
  return std::make_shared<LibsqlDatabase>(std::make_shared<const Setup>(
      Setup{.server = std::move(server), .token = std::move(token), .bounds = bounds}));
}

}  // namespace cusp::host
