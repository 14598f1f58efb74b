#include "store/remote/client.h"

#include "io/asio.h"
#include "store/remote/channel.h"
#include "store/remote/codec.h"

namespace cusp::store::remote {

namespace {

// Whose store a request is about.
struct Subject {
  std::string app;
  std::string name;
  uint64_t session = 0;
};

class Connection final : public Client {
 public:
  explicit Connection(Channel channel) : channel_(std::move(channel)) {}

  template <class T, class... Arguments>
  Result<T> ask(Operation operation, const Subject& subject, const Arguments&... arguments) {
    Encoder request;
    request(kProtocolVersion, operation, subject.app, subject.name, subject.session, arguments...);
    CUSP_CHECK(channel_.send(request.take()));
    auto bytes = channel_.receive();
    if (!bytes && bytes.error().code == ErrorCode::kCancelled) {
      return fail(ErrorCode::kUnavailable, "the process that has these stores open has ended");
    }
    if (!bytes) return std::unexpected(std::move(bytes).error());
    Result<T> answer;
    Decoder decoder(*bytes);
    decoder(answer);
    if (decoder.complete()) return answer;
    return fail(ErrorCode::kUnavailable,
                "the process that has these stores open answers what this cusp does not know");
  }

  Result<std::vector<kv::StoreName>> stores() override {
    return ask<std::vector<kv::StoreName>>(Operation::kStores, {});
  }
  std::shared_ptr<kv::Store> key_values(const kv::StoreName& name) override;
  std::shared_ptr<sql::Database> sql(const std::string& app, const std::string& name) override;
  Result<std::vector<kv::StoreName>> buckets() override {
    return ask<std::vector<kv::StoreName>>(Operation::kObjectBuckets, {});
  }
  std::unique_ptr<object::Session> objects(const kv::StoreName& name) override;

  Result<std::string> snapshot() override { return ask<std::string>(Operation::kSnapshot, {}); }

  std::shared_ptr<Connection> shared() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  uint64_t next_session() { return ++sessions_; }

 private:
  Channel channel_;
  uint64_t sessions_ = 0;
};

class RemoteStore final : public kv::Store {
 public:
  RemoteStore(std::shared_ptr<Connection> connection, Subject subject)
      : connection_(std::move(connection)), subject_(std::move(subject)) {}

  std::optional<Result<std::optional<kv::Entry>>> try_get(std::string_view) const override {
    return std::nullopt;
  }
  io::Task<Result<std::optional<kv::Entry>>> get(std::string key) const override {
    co_return get_blocking(key);
  }
  io::Task<Result<kv::Page>> list(kv::ListOptions options) const override {
    co_return list_blocking(options);
  }
  io::Task<Result<kv::Written>> write(kv::Write write) override {
    co_return write_blocking(std::move(write));
  }
  Result<std::optional<kv::Entry>> get_blocking(std::string_view key) const override {
    return connection_->ask<std::optional<kv::Entry>>(Operation::kGet, subject_, std::string(key));
  }
  Result<kv::Page> list_blocking(const kv::ListOptions& options) const override {
    return connection_->ask<kv::Page>(Operation::kList, subject_, options);
  }
  Result<kv::Written> write_blocking(kv::Write write) override {
    return connection_->ask<kv::Written>(Operation::kWrite, subject_, write);
  }

 private:
  const std::shared_ptr<Connection> connection_;
  const Subject subject_;
};

class RemoteSession final : public sql::Session {
 public:
  RemoteSession(std::shared_ptr<Connection> connection, Subject subject)
      : connection_(std::move(connection)), subject_(std::move(subject)) {}
  ~RemoteSession() override {
    // Who does not hear it any more has ended the session.
    [[maybe_unused]] const auto ignored = connection_->ask<void>(Operation::kEndSession, subject_);
  }

  std::optional<Result<sql::Rows>> try_execute(const sql::Statement&) override {
    return std::nullopt;
  }
  io::Task<Result<sql::Rows>> execute(sql::Statement statement) override {
    using Executed = std::pair<sql::Rows, bool>;
    CUSP_CO_TRY(Executed executed,
                connection_->ask<Executed>(Operation::kExecute, subject_, statement));
    last_ = executed.first.last;
    in_transaction_ = executed.second;
    co_return std::move(executed.first);
  }
  io::Task<Result<sql::Description>> describe(std::string text) override {
    co_return connection_->ask<sql::Description>(Operation::kDescribe, subject_, text);
  }
  bool in_transaction() const override { return in_transaction_; }
  const sql::Last& last() const override { return last_; }

 private:
  const std::shared_ptr<Connection> connection_;
  const Subject subject_;
  bool in_transaction_ = false;
  sql::Last last_;
};

class RemoteDatabase final : public sql::Database {
 public:
  RemoteDatabase(std::shared_ptr<Connection> connection, Subject subject)
      : connection_(std::move(connection)), subject_(std::move(subject)) {}

  std::unique_ptr<sql::Session> session() override {
    Subject subject = subject_;
    subject.session = connection_->next_session();
    return std::make_unique<RemoteSession>(connection_, std::move(subject));
  }
  Result<size_t> migrate(const std::vector<sql::Migration>& migrations) override {
    return connection_->ask<size_t>(Operation::kMigrate, subject_, migrations);
  }
  // It is open there.
  void close() override {}

 private:
  const std::shared_ptr<Connection> connection_;
  const Subject subject_;
};

class RemoteObjects final : public object::Session {
 public:
  RemoteObjects(std::shared_ptr<Connection> connection, Subject subject)
      : connection_(std::move(connection)), subject_(std::move(subject)) {}
  ~RemoteObjects() override {
    // Who does not hear it any more has ended the session.
    [[maybe_unused]] const auto ignored = connection_->ask<void>(Operation::kEndSession, subject_);
  }

  Result<> begin() override { return connection_->ask<void>(Operation::kObjectBegin, subject_); }
  Result<> append(const std::string& bytes) override {
    return connection_->ask<void>(Operation::kObjectAppend, subject_, bytes);
  }
  Result<> put(const std::string& key, const object::FieldList& fields) override {
    return connection_->ask<void>(Operation::kObjectPut, subject_, key, fields);
  }
  Result<bool> open(const std::string& key) override {
    return connection_->ask<bool>(Operation::kObjectOpen, subject_, key);
  }
  Result<std::string> read(uint64_t offset, uint64_t most) override {
    return connection_->ask<std::string>(Operation::kObjectRead, subject_, offset, most);
  }
  Result<> remove(const std::string& key) override {
    return connection_->ask<void>(Operation::kObjectRemove, subject_, key);
  }
  Result<object::Listing> list(const object::ListOptions& options) override {
    return connection_->ask<object::Listing>(Operation::kObjectList, subject_, options);
  }

 private:
  const std::shared_ptr<Connection> connection_;
  const Subject subject_;
};

std::shared_ptr<kv::Store> Connection::key_values(const kv::StoreName& name) {
  return std::make_shared<RemoteStore>(shared(), Subject{name.app, name.store});
}

std::shared_ptr<sql::Database> Connection::sql(const std::string& app, const std::string& name) {
  return std::make_shared<RemoteDatabase>(shared(), Subject{app, name});
}

std::unique_ptr<object::Session> Connection::objects(const kv::StoreName& name) {
  return std::make_unique<RemoteObjects>(shared(), Subject{name.app, name.store, next_session()});
}

}  // namespace

Result<std::shared_ptr<Client>> Client::connect(const std::string& folder) {
  CUSP_TRY(Channel channel, Channel::connect(folder));
  return std::make_shared<Connection>(std::move(channel));
}

}  // namespace cusp::store::remote
