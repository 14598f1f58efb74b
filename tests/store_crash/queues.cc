#include "store_crash/queues.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "store/queue/queue.h"

namespace cusp::store_crash {

namespace {

namespace queue = store::queue;

constexpr size_t kReceived = 6;    // at once
constexpr uint64_t kEvery = 3;     // turns until messages are received again
constexpr size_t kShownMax = 990;  // of a queue, by one peek()

std::unique_ptr<queue::Queue> open_queue(store::kv::Database& database, size_t writer,
                                         queue::Queue::Clock clock) {
  const std::string name = queue::store_name(fmt::format("jobs-{}", writer));
  return std::make_unique<queue::Queue>(must(database.store({"crash", name})), std::move(clock));
}

std::string body_of(size_t writer, uint64_t turn) {
  return fmt::format("{} ", turn) + payload(writer, turn);
}

// The turns whose messages are there, also those that were being received.
io::Task<Turns> present(store::kv::Database& database, size_t writer) {
  const auto later = [] { return queue::Queue::system_now() + std::chrono::hours(1); };
  const auto jobs = open_queue(database, writer, later);
  Turns turns;
  for (const auto& message : must(co_await jobs->peek(kShownMax))) {
    const uint64_t turn = number(message.body);
    if (message.body != body_of(writer, turn)) {
      die(fmt::format("message {} of writer {} is not as it was sent", turn, writer));
    }
    if (!turns.insert(turn).second) die(fmt::format("message {} is there twice", turn));
  }
  const auto counts = must(co_await jobs->count());
  if (counts.dead != 0 || counts.ready != turns.size()) {
    die(fmt::format("the queue of writer {} counts {} messages and {} dead; it has {}", writer,
                    counts.ready, counts.dead, turns.size()));
  }
  co_return turns;
}

}  // namespace

io::Task<> check_queues(store::kv::Database& database, std::string sent_list, std::string done_list,
                        Counts& last) {
  const Counts sent = acknowledged(sent_list);
  const auto done = listed(done_list);
  const int sent_log = open_log(sent_list);
  const int done_log = open_log(done_list);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    const Turns there = co_await present(database, writer);
    size_t unknown = 0;  // acknowledged when the process was killed, before that was noted
    for (uint64_t turn = 1; turn <= sent[writer]; ++turn) {
      const bool gone = done[writer].contains(turn);
      if (gone && there.contains(turn)) {
        die(fmt::format("message {} of writer {} is back after it was acknowledged", turn, writer));
      }
      if (gone || there.contains(turn)) continue;
      if (++unknown > kReceived) {
        die(fmt::format("writer {} was told that message {} is sent; it is lost", writer, turn));
      }
      acknowledge(done_log, writer, turn);
    }
    last[writer] = std::max(sent[writer], there.empty() ? 0 : *there.rbegin());
    if (last[writer] > sent[writer] + 1) {
      die(fmt::format("there are messages that writer {} never sent", writer));
    }
    // Sent when the process was killed, before that was noted.
    if (last[writer] > sent[writer]) acknowledge(sent_log, writer, last[writer]);
  }
  ::close(sent_log);
  ::close(done_log);
}

io::Task<> write_queue(store::kv::Database& database, size_t writer, uint64_t turn, int log,
                       int done) {
  const auto jobs = open_queue(database, writer, queue::Queue::system_now);
  while (true) {
    ++turn;
    std::vector<queue::Outgoing> messages;
    messages.push_back({.body = body_of(writer, turn), .content_type = "text/plain"});
    must(co_await jobs->send(std::move(messages)));
    acknowledge(log, writer, turn);
    if (turn % kEvery != 0) continue;
    const auto received = must(co_await jobs->receive(
        {.limit = kReceived, .visibility = std::chrono::seconds(5), .deliveries_max = 1'000'000}));
    std::vector<std::string> receipts;
    for (const auto& message : received) receipts.push_back(message.receipt);
    const size_t count = must(co_await jobs->acknowledge(std::move(receipts)));
    if (count != received.size()) die("what was just received could not be acknowledged");
    for (const auto& message : received) acknowledge(done, writer, number(message.body));
  }
}

}  // namespace cusp::store_crash
