#include "store/queue/queue.h"

#include <gtest/gtest.h>

#include "store/kv/test_database.h"

namespace cusp::store::queue {
namespace {

using namespace std::chrono_literals;

class QueueTest : public kv::KvTest {
 protected:
  QueueTest() { open_queue(); }
  ~QueueTest() override { queue.reset(); }

  void open_queue() {
    queue = std::make_unique<Queue>(*database->store({"app", store_name("jobs")}),
                                    [this] { return now.load(); });
  }
  void pass(milliseconds time) { now = now.load() + time; }

  std::string send(std::string body, milliseconds delay = 0ms) {
    std::vector<Outgoing> messages;
    messages.push_back({.body = std::move(body), .content_type = "text/plain", .delay = delay});
    auto ids = loop.run(queue->send(std::move(messages)));
    return ids ? ids->front() : "error: " + ids.error().message;
  }
  std::vector<Message> receive(ReceiveOptions options = {}) {
    auto messages = loop.run(queue->receive(options));
    EXPECT_TRUE(messages) << messages.error().to_string();
    return messages ? std::move(*messages) : std::vector<Message>{};
  }
  // The bodies of what is received, one after the other.
  std::string bodies(ReceiveOptions options = {}) {
    std::string text;
    for (const Message& message : receive(options)) text += message.body + " ";
    return text;
  }
  bool acknowledge(const std::string& receipt) {
    std::vector<std::string> receipts{receipt};
    return loop.run(queue->acknowledge(std::move(receipts))).value_or(0) == 1;
  }
  Counts count() { return *loop.run(queue->count()); }

  std::unique_ptr<Queue> queue;
};

TEST_F(QueueTest, DeliversInTheOrderOfSendingUntilAcknowledged) {
  for (const char* body : {"a", "b", "c"}) send(body);
  EXPECT_EQ(count().ready, 3u);
  const auto first = receive();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].body, "a");
  EXPECT_EQ(first[0].content_type, "text/plain");
  EXPECT_EQ(first[0].sent, now.load());
  EXPECT_EQ(first[0].deliveries, 1u);
  EXPECT_EQ(count().in_flight, 1u);
  EXPECT_TRUE(acknowledge(first[0].receipt));
  EXPECT_EQ(bodies({.limit = 10}), "b c ");
  EXPECT_EQ(bodies({.limit = 10}), "");
  pass(1h);
  EXPECT_EQ(bodies({.limit = 10}), "b c ");
}

TEST_F(QueueTest, WhatIsNotAcknowledgedComesAgainAndTheOldReceiptIsWorthNothing) {
  send("a");
  const auto first = receive({.visibility = 30s});
  pass(29s);
  EXPECT_EQ(bodies(), "");
  pass(1s);
  const auto second = receive();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].deliveries, 2u);
  EXPECT_FALSE(acknowledge(first[0].receipt));
  EXPECT_TRUE(acknowledge(second[0].receipt));
  EXPECT_FALSE(acknowledge(second[0].receipt));
  EXPECT_EQ(count().ready + count().in_flight, 0u);
}

TEST_F(QueueTest, ALateReceiptDoesNotKeepTheOthersFromBeingAcknowledged) {
  for (const char* body : {"a", "b", "c"}) send(body);
  const auto all = receive({.limit = 3});
  std::vector<std::string> receipts;
  for (const auto& message : all) receipts.push_back(message.receipt);
  ASSERT_TRUE(acknowledge(receipts[1]));
  EXPECT_EQ(*loop.run(queue->acknowledge(receipts)), 2u);
  pass(1h);
  EXPECT_EQ(bodies({.limit = 10}), "");
}

TEST_F(QueueTest, DelaysASentOrReturnedMessage) {
  send("later", 10s);
  send("now");
  EXPECT_EQ(count().delayed, 1u);
  const auto first = receive({.limit = 2});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(*loop.run(queue->give_back(first[0].receipt, 20s)));
  EXPECT_FALSE(*loop.run(queue->give_back(first[0].receipt, 20s)));
  EXPECT_EQ(count().delayed, 2u);
  pass(10s);
  EXPECT_EQ(bodies({.limit = 2}), "later ");
  pass(10s);
  EXPECT_EQ(bodies({.limit = 2}), "now ");
}

TEST_F(QueueTest, AMessageDeliveredTooOftenIsDeadAndCanBeSentAgain) {
  const std::string id = send("poison");
  send("good");
  const ReceiveOptions options{.limit = 10, .visibility = 1s, .deliveries_max = 2};
  EXPECT_EQ(bodies(options), "poison good ");
  pass(1s);
  EXPECT_EQ(bodies(options), "poison good ");
  pass(1s);
  EXPECT_EQ(bodies(options), "");
  EXPECT_EQ(count().dead, 2u);
  const auto dead = *loop.run(queue->dead(10));
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].id, id);
  EXPECT_EQ(dead[0].deliveries, 2u);
  EXPECT_EQ(dead[0].reason, "delivered too often");
  EXPECT_TRUE(*loop.run(queue->retry_dead(id)));
  EXPECT_FALSE(*loop.run(queue->retry_dead(id)));
  EXPECT_EQ(bodies(options), "poison ");
  EXPECT_EQ(loop.run(queue->dead(10, id))->size(), 1u);
  EXPECT_EQ(loop.run(queue->dead(10))->size(), 1u);
}

TEST_F(QueueTest, BuriesOnRequest) {
  send("a");
  const auto message = receive();
  EXPECT_TRUE(*loop.run(queue->bury(message[0].receipt, std::string(1000, 'x'))));
  EXPECT_FALSE(*loop.run(queue->bury(message[0].receipt, "again")));
  const auto dead = *loop.run(queue->dead(10));
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].reason, std::string(256, 'x'));
}

TEST_F(QueueTest, ReceiversAtTheSameTimeGetDifferentMessages) {
  std::set<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.insert(send(std::to_string(i)));
  std::vector<std::optional<Result<std::vector<Message>>>> answers(10);
  for (auto& answer : answers) loop.start(queue->receive({.limit = 4}), answer);
  loop.finish();
  std::set<std::string> received;
  for (const auto& answer : answers) {
    for (const auto& message : **answer) EXPECT_TRUE(received.insert(message.id).second);
  }
  EXPECT_EQ(received, sent);
}

TEST_F(QueueTest, SurvivesARestart) {
  send("a");
  send("b");
  const auto first = receive();
  queue.reset();
  open();
  open_queue();
  EXPECT_EQ(bodies({.limit = 10}), "b ");
  EXPECT_TRUE(acknowledge(first[0].receipt));
  pass(1h);
  EXPECT_EQ(bodies({.limit = 10}), "b ");
}

TEST_F(QueueTest, NumbersThatAnotherProcessHasUsedAreSkipped) {
  const std::string id = send("a");
  open_queue();  // which counts from the beginning, at the same time
  const std::string other = send("b");
  EXPECT_NE(id, other);
  EXPECT_EQ(bodies({.limit = 10}), "a b ");
}

TEST_F(QueueTest, AClockThatIsSetBackHidesNothingThatIsReady) {
  send("late");
  pass(10s);
  send("later");
  EXPECT_EQ(bodies(), "late ");  // from here on it looks behind that one first
  pass(-5s);
  send("early");
  EXPECT_EQ(bodies({.limit = 10}), "early ");
  pass(5s);
  EXPECT_EQ(bodies({.limit = 10}), "later ");
}

TEST_F(QueueTest, AMessageIsForgottenAfterItsRetention) {
  send("old");
  pass(limits::kQueueRetention);
  EXPECT_EQ(bodies(), "");
  EXPECT_EQ(count().ready, 0u);
}

TEST_F(QueueTest, PeekTakesNothing) {
  send("a");
  const auto shown = *loop.run(queue->peek(10));
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].body, "a");
  EXPECT_EQ(shown[0].deliveries, 0u);
  EXPECT_EQ(shown[0].receipt, "");
  EXPECT_EQ(bodies(), "a ");
}

TEST_F(QueueTest, PurgesTheDeadOrEverything) {
  for (int i = 0; i < 5; ++i) send(std::to_string(i));
  for (const auto& message : receive({.limit = 2})) {
    ASSERT_TRUE(*loop.run(queue->bury(message.receipt, "no")));
  }
  EXPECT_EQ(*loop.run(queue->purge(/*only_dead=*/true)), 2u);
  EXPECT_EQ(count().ready, 3u);
  EXPECT_EQ(*loop.run(queue->purge(/*only_dead=*/false)), 3u);
  EXPECT_EQ(loop.run(database->store({"app", store_name("jobs")}).value()->list({}))->keys.size(),
            0u);
}

TEST_F(QueueTest, WhatIsBeyondTheLimitsIsRefused) {
  EXPECT_NE(send(std::string(limits::kQueueMessageBytesMax + 1, 'x')).find("at most 262144 bytes"),
            std::string::npos);
  EXPECT_EQ(send(std::string(limits::kQueueMessageBytesMax, 'x')).find("error"), std::string::npos);
  EXPECT_NE(send("x", 25h).find("24 hours"), std::string::npos);
  EXPECT_NE(send("x", -1ms).find("24 hours"), std::string::npos);
  EXPECT_FALSE(loop.run(queue->send({})));
  EXPECT_FALSE(loop.run(queue->send(std::vector<Outgoing>(limits::kQueueBatchMax + 1))));
}

TEST_F(QueueTest, AReceiptThatIsNoneIsWorthNothing) {
  const std::string id = send("a");
  const auto real = receive();
  const std::string& receipt = real[0].receipt;
  const std::string key = receipt.substr(0, receipt.find('.'));
  for (const std::string& text :
       {std::string(), std::string("."), id, key, key + ".", key + ".0", key + ".1",
        key + ".ffffffffffffffffff", receipt + "0", "m" + receipt.substr(1), "d" + id + ".1",
        std::string(100'000, 'v')}) {
    EXPECT_FALSE(acknowledge(text)) << text.substr(0, 60);
    EXPECT_FALSE(*loop.run(queue->give_back(text, 0ms))) << text.substr(0, 60);
    EXPECT_FALSE(*loop.run(queue->bury(text, "no"))) << text.substr(0, 60);
  }
  EXPECT_TRUE(acknowledge(receipt));
}

TEST_F(QueueTest, ADamagedEntryIsAnErrorAndNoMessage) {
  send("a");
  const auto entries = *database->store({"app", store_name("jobs")});
  const auto page = *loop.run(entries->list({.prefix = "v"}));
  ASSERT_EQ(page.keys.size(), 1u);
  kv::Change change = kv::Change::set(page.keys[0].key, "");
  change.metadata = "\xc1nonsense";
  ASSERT_TRUE(loop.run(entries->write({std::move(change)})));
  const auto received = loop.run(queue->receive({}));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::kDataLoss);
}

TEST(QueueNames, AreNoNamesOfGuestsStores) {
  EXPECT_EQ(store_name("jobs"), "queue:jobs");
  EXPECT_EQ(queue_of("queue:jobs"), "jobs");
  EXPECT_EQ(queue_of("jobs"), std::nullopt);
}

}  // namespace
}  // namespace cusp::store::queue
