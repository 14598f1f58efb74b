#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "store/remote/test_remote.h"

namespace cusp::store::remote {

namespace {

namespace fs = std::filesystem;

TEST_F(RemoteStores, KeysAreReadWrittenAndListed) {
  const auto store = client->key_values({"app", "s"});
  kv::Change change = kv::Change::set("k", std::string("v\0\xff", 3));
  change.metadata = "m";
  ASSERT_TRUE(loop.run(store->write({change, kv::Change::increment("n", 5)})));
  auto here = (*stores->key_values())->store({"app", "s"});
  EXPECT_EQ(here.value()->get_blocking("k").value()->value, change.value);
  EXPECT_EQ(loop.run(store->get("k")).value()->metadata, "m");
  EXPECT_FALSE(loop.run(store->get("none")).value());
  EXPECT_EQ(loop.run(store->list({.limit = 1}))->next, "k");
  EXPECT_EQ(client->stores().value(), (std::vector<kv::StoreName>{{"app", "s"}}));
  const auto written = loop.run(store->write({kv::Change::check("k", 0)}));
  EXPECT_FALSE(written->applied);
}

TEST_F(RemoteStores, ErrorsAreThoseOfTheStore) {
  const auto store = client->key_values({"app", "s"});
  EXPECT_EQ(loop.run(store->get("")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(loop.run(client->key_values({"", "s"})->get("k")).error().code,
            ErrorCode::kInvalidArgument);
  const auto session = client->sql("app", "d")->session();
  EXPECT_EQ(execute(*session, "SELEC").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(execute(*session, "ATTACH 'x' AS y").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(client->sql("app", "d")->migrate({{"1.sql", "oops", ""}}).error().context, "1.sql");
  EXPECT_TRUE(loop.run(store->get("k"))) << "the connection goes on";
}

TEST_F(RemoteStores, ASessionHasATransactionOfItsOwnThatEndsWithIt) {
  const auto database = client->sql("app", "d");
  auto first = database->session();
  ASSERT_TRUE(execute(*first, "CREATE TABLE t (a)"));
  ASSERT_TRUE(execute(*first, "BEGIN"));
  ASSERT_TRUE(execute(*first, "INSERT INTO t VALUES (7)"));
  EXPECT_TRUE(first->in_transaction());
  EXPECT_EQ(first->last().changes, 1);
  const auto second = database->session();
  EXPECT_EQ(execute(*second, "SELECT * FROM t")->count(), 0);
  first.reset();
  EXPECT_TRUE(execute(*second, "INSERT INTO t VALUES (8)"));
  EXPECT_EQ(execute(*second, "SELECT a FROM t")->values.at(0), sql::Value(int64_t{8}));
  EXPECT_EQ(loop.run(second->describe("SELECT a FROM t WHERE a = :x"))->parameters.size(), 1);
}

TEST_F(RemoteStores, AConnectionThatBreaksEndsItsTransaction) {
  const auto database = client->sql("app", "d");
  const auto session = database->session();
  ASSERT_TRUE(execute(*session, "CREATE TABLE t (a)"));
  {
    Encoder begin;
    begin(sql::Statement{.text = "BEGIN IMMEDIATE"});
    auto channel = Channel::connect(directory);
    Encoder head;
    head(kProtocolVersion, Operation::kExecute, std::string("app"), std::string("d"), uint64_t{1});
    ASSERT_TRUE(channel->send(head.take() + begin.take()));
    ASSERT_TRUE(channel->receive());
  }
  EXPECT_TRUE(execute(*session, "INSERT INTO t VALUES (1)"));
}

TEST_F(RemoteStores, WhatIsNoRequestIsRefusedAndTheOthersGoOn) {
  EXPECT_EQ(answer(""), answer("x"));
  EXPECT_NE(answer(request(kProtocolVersion + 1, Operation::kStores)).find("another version"),
            std::string::npos);
  EXPECT_NE(answer(request(kProtocolVersion,
                           static_cast<Operation>(static_cast<int>(Operation::kLast) + 1)))
                .find("malformed"),
            std::string::npos);
  EXPECT_NE(answer(request(kProtocolVersion, static_cast<Operation>(200))).find("malformed"),
            std::string::npos);
  for (const Operation operation :
       {Operation::kGet, Operation::kList, Operation::kWrite, Operation::kExecute,
        Operation::kDescribe, Operation::kMigrate, Operation::kObjectAppend, Operation::kObjectPut,
        Operation::kObjectOpen, Operation::kObjectRead, Operation::kObjectRemove,
        Operation::kObjectList}) {
    EXPECT_NE(answer(request(kProtocolVersion, operation, "1234567")).find("malformed"),
              std::string::npos);
    const std::string long_list(8, '\xff');
    EXPECT_NE(answer(request(kProtocolVersion, operation, long_list)).find("malformed"),
              std::string::npos);
  }
  EXPECT_EQ(answer(request(kProtocolVersion, Operation::kEndSession)), "done");
  EXPECT_TRUE(client->stores());
}

TEST_F(RemoteStores, AMessageThatIsTooLongIsNotSentAndNotRead) {
  auto channel = Channel::connect(directory);
  EXPECT_EQ(channel->send(std::string(limits::kStoreMessageBytesMax + 1, 'x')).error().code,
            ErrorCode::kResourceExhausted);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Channel hostile{Descriptor(ends[0])};
  ASSERT_EQ(::send(ends[0], "\xff\xff\xff\xff", 4, 0), 4);
  EXPECT_EQ(Channel(Descriptor(ends[1])).receive().error().code, ErrorCode::kResourceExhausted);
}

TEST_F(RemoteStores, AMessageThatBreaksOffIsAnError) {
  for (const std::string& sent : {std::string("\x08"), std::string("\x08\0\0\0abc", 7)}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Channel receiver{Descriptor(ends[1])};
    ASSERT_EQ(::send(ends[0], sent.data(), sent.size(), 0), ssize_t(sent.size()));
    ::close(ends[0]);
    EXPECT_EQ(receiver.receive().error().code, ErrorCode::kUnavailable);
  }
}

TEST_F(RemoteStores, MoreSessionsOrPeersThanThereMayBeAreRefused) {
  const auto database = client->sql("app", "d");
  std::vector<std::unique_ptr<sql::Session>> sessions;
  for (size_t i = 0; i < limits::kStorePeerSessionsMax; ++i) {
    sessions.push_back(database->session());
    EXPECT_TRUE(execute(*sessions.back(), "SELECT 1"));
  }
  auto one_more = database->session();
  EXPECT_EQ(execute(*one_more, "SELECT 1").error().code, ErrorCode::kResourceExhausted);
  sessions.pop_back();
  EXPECT_TRUE(execute(*one_more, "SELECT 1"));

  std::vector<std::shared_ptr<Client>> clients;
  for (size_t i = 1; i < limits::kStorePeersMax; ++i) {
    clients.push_back(Client::connect(directory).value());
    EXPECT_TRUE(clients.back()->stores());
  }
  EXPECT_FALSE(Client::connect(directory).value()->stores());
  EXPECT_TRUE(client->stores());
  clients.clear();
  // A place is free once the node has seen that a peer has gone.
  bool answered = false;
  for (int i = 0; i < 200 && !answered; ++i) {
    answered = Client::connect(directory).value()->stores().has_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(answered);
}

TEST_F(RemoteStores, TheSocketIsForThisUserAlone) {
  struct stat status = {};
  ASSERT_EQ(::stat((directory + "/socket").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600);
}

TEST_F(RemoteStores, WhenTheProcessEndsItsPeersAreToldAndTheFolderIsFree) {
  const auto session = client->sql("app", "d")->session();
  ASSERT_TRUE(execute(*session, "BEGIN IMMEDIATE"));
  stores.reset();
  EXPECT_EQ(execute(*session, "SELECT 1").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(client->stores().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Client::connect(directory).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(directory + "/socket"));
  EXPECT_TRUE(Stores(directory, pool).key_values());
}

TEST_F(RemoteStores, AStatementThatRunsDoesNotKeepTheProcess) {
  auto session = client->sql("app", "d")->session();
  auto running = std::async(std::launch::async, [&] {
    testing::Loop own;
    return own.run(session->execute(
        {.text = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) "
                 "FROM r"}));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto began = std::chrono::steady_clock::now();
  stores->close();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_FALSE(running.get());
}

TEST_F(RemoteStores, ASocketThatACrashHasLeftIsReplaced) {
  stores.reset();
  const auto left = Channel::listen(directory);
  ASSERT_TRUE(left);
  Stores next(directory, pool);
  ASSERT_TRUE(next.key_values());
  EXPECT_TRUE(Client::connect(directory).value()->stores());
}

}  // namespace

}  // namespace cusp::store::remote
