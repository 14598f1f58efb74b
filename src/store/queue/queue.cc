#include "store/queue/queue.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "store/queue/record.h"

namespace cusp::store::queue {

namespace {

constexpr std::string_view kStorePrefix = "queue:";
constexpr size_t kPage = 1000;  // keys that are looked at or removed at once

std::unexpected<Error> bad_message(std::string text) {
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

Result<> check(const std::vector<Outgoing>& messages) {
  if (messages.empty() || messages.size() > limits::kQueueBatchMax) {
    return bad_message(fmt::format("1 to {} messages are sent at once", limits::kQueueBatchMax));
  }
  for (const Outgoing& message : messages) {
    if (message.body.size() > limits::kQueueMessageBytesMax) {
      return bad_message(
          fmt::format("a message has at most {} bytes: keep what is larger as an "
                      "object and send its key",
                      limits::kQueueMessageBytesMax));
    }
    if (message.content_type.size() > limits::kQueueContentTypeBytesMax) {
      return bad_message(
          fmt::format("a content type has at most {} bytes", limits::kQueueContentTypeBytesMax));
    }
    if (message.delay < milliseconds(0) || message.delay > limits::kQueueDelayMax) {
      return bad_message("the delay of a message is at most 24 hours");
    }
  }
  return {};
}

}  // namespace

std::string store_name(std::string_view queue) { return std::string(kStorePrefix).append(queue); }

std::optional<std::string> queue_of(std::string_view store) {
  if (!store.starts_with(kStorePrefix)) return std::nullopt;
  return std::string(store.substr(kStorePrefix.size()));
}

// An entry of the index that a receiver has chosen.
struct Queue::Candidate {
  IndexKey key;
  uint64_t revision = 0;
  uint32_t deliveries = 0;  // so far
};

// Keeps other receivers of this process from choosing the same messages: two that choose one would
// each find out from the disk that the other was first.
class Queue::Claim {
 public:
  explicit Claim(Queue& queue) : queue_(queue) {}
  ~Claim() {
    const std::lock_guard lock(queue_.mutex_);
    for (const auto& key : keys_) queue_.claimed_.erase(key);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  bool take(const std::string& key) {
    const std::lock_guard lock(queue_.mutex_);
    if (!queue_.claimed_.insert(key).second) return false;
    keys_.push_back(key);
    return true;
  }

 private:
  Queue& queue_;
  std::vector<std::string> keys_;
};

Queue::Queue(std::shared_ptr<kv::Store> entries, Clock now)
    : entries_(std::move(entries)), now_(std::move(now)) {}

Time Queue::system_now() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

std::string Queue::next_id(Time now) {
  return message_id(now, sequence_.fetch_add(1, std::memory_order_relaxed));
}

void Queue::on_send(std::function<void()> arrived) {
  const std::lock_guard lock(mutex_);
  arrived_ = std::move(arrived);
}

void Queue::announce() {
  const auto arrived = [this] {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }();
  if (arrived) arrived();
}

// ---- sending ----------------------------------------------------------------------------------
io::Task<Result<std::vector<std::string>>> Queue::send(std::vector<Outgoing> messages) {
  CUSP_CO_CHECK(check(messages));
  while (true) {
    const Time now = now_();
    std::vector<std::string> ids;
    kv::Write write;
    for (const Outgoing& message : messages) {
      ids.push_back(next_id(now));
      const IndexKey key{.due = now + message.delay, .id = ids.back()};
      const Time expires = key.due + limits::kQueueRetention;
      kv::Change body = kv::Change::set(body_key(ids.back()), message.body);
      body.metadata = encode(Head{.content_type = message.content_type, .sent = now});
      body.expires = expires;
      body.expected = 0;  // another process may have used the number before this one began
      write.push_back(std::move(body));
      write.push_back(index_change(key, {}, expires));
    }
    CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(write)));
    if (!written.applied) continue;
    announce();
    co_return ids;
  }
}

// ---- receiving --------------------------------------------------------------------------------
// The keys of the index that are ready, from where the last look has found the first one.
io::Task<Result<std::vector<kv::Listed>>> Queue::due(Time now, size_t limit) {
  std::string from;
  {
    const std::lock_guard lock(mutex_);
    if (now >= looked_) from = from_;
  }
  while (true) {
    const std::string end = IndexKey::end(now);
    kv::ListOptions options{
        .prefix = std::string(IndexKey::kPrefix), .after = from, .limit = limit};
    CUSP_CO_TRY(kv::Page page, co_await entries_->list(std::move(options)));
    std::erase_if(page.keys, [&](const kv::Listed& listed) { return listed.key >= end; });
    if (page.keys.empty() && !from.empty()) {
      from.clear();  // the clock may have been set back since
      continue;
    }
    const std::lock_guard lock(mutex_);
    from_ = page.keys.empty() ? "" : before(page.keys.front().key);
    looked_ = now;
    co_return std::move(page.keys);
  }
}

// Takes what is ready, and makes those dead that were delivered often enough. Nothing: somebody
// else was quicker.
io::Task<Result<std::vector<Queue::Candidate>>> Queue::claim(const ReceiveOptions& options,
                                                             Time now) {
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    // Others of this process may hold the first ones.
    CUSP_CO_TRY(const auto listed, co_await due(now, kPage));
    Claim claim(*this);
    std::vector<Candidate> taken;
    kv::Write write;
    for (const kv::Listed& entry : listed) {
      if (taken.size() == options.limit) break;
      const auto key = IndexKey::parse(entry.key);
      CUSP_CO_TRY(const State state, decode_state(entry.metadata));
      if (!key) co_return std::unexpected(not_a_record());
      if (!claim.take(entry.key)) continue;
      kv::Change gone = kv::Change::erase(entry.key);
      gone.expected = entry.revision;
      write.push_back(std::move(gone));
      if (state.deliveries >= options.deliveries_max) {
        write.push_back(
            dead_change(key->id, {.deliveries = state.deliveries, .reason = "delivered too often"},
                        entry.expires));
        continue;
      }
      Candidate next{.key = {.due = now + options.visibility, .id = key->id},
                     .deliveries = state.deliveries + 1};
      write.push_back(index_change(next.key, {.deliveries = next.deliveries, .in_flight = true},
                                   entry.expires));
      taken.push_back(std::move(next));
    }
    if (write.empty()) co_return taken;
    CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(write)));
    if (!written.applied) continue;
    for (Candidate& candidate : taken) candidate.revision = written.revision;
    co_return taken;
  }
  co_return std::vector<Candidate>{};
}

io::Task<Result<std::vector<Message>>> Queue::load(std::vector<Candidate> taken) {
  std::vector<Message> messages;
  for (const Candidate& candidate : taken) {
    CUSP_CO_TRY(auto entry, co_await entries_->get(body_key(candidate.key.id)));
    if (!entry) continue;  // has expired; so does what points to it
    CUSP_CO_TRY(Head head, decode_head(entry->metadata));
    messages.push_back({.id = candidate.key.id,
                        .body = std::move(entry->value),
                        .content_type = std::move(head.content_type),
                        .sent = head.sent,
                        .deliveries = candidate.deliveries,
                        .receipt = receipt_of(candidate.key, candidate.revision)});
  }
  co_return messages;
}

io::Task<Result<std::vector<Message>>> Queue::receive(ReceiveOptions options) {
  options.limit = std::clamp<size_t>(options.limit, 1, limits::kQueueBatchMax);
  CUSP_CO_TRY(auto taken, co_await claim(options, now_()));
  co_return co_await load(std::move(taken));
}

io::Task<Result<size_t>> Queue::acknowledge(std::vector<std::string> receipts) {
  size_t count = 0;
  kv::Write write;
  std::vector<std::string> known;
  for (const auto& text : receipts) {
    const auto receipt = Receipt::parse(text);
    if (!receipt) continue;
    kv::Change gone = kv::Change::erase(receipt->key.text());
    gone.expected = receipt->revision;
    write.push_back(std::move(gone));
    write.push_back(kv::Change::erase(body_key(receipt->key.id)));
    known.push_back(text);
  }
  if (write.empty()) co_return count;
  CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(write)));
  if (written.applied || known.size() == 1) co_return written.applied ? known.size() : 0;
  // One of them is late: each for itself.
  for (auto& receipt : known) {
    std::vector<std::string> one{std::move(receipt)};
    CUSP_CO_TRY(const size_t done, co_await acknowledge(std::move(one)));
    count += done;
  }
  co_return count;
}

// Puts `changes` in the place of the delivery that `receipt` proves.
io::Task<Result<bool>> Queue::replace(std::string receipt, std::vector<kv::Change> changes) {
  const auto proof = Receipt::parse(receipt);
  if (!proof) co_return false;
  kv::Change gone = kv::Change::erase(proof->key.text());
  gone.expected = proof->revision;
  changes.insert(changes.begin(), std::move(gone));
  CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(changes)));
  co_return written.applied;
}

io::Task<Result<bool>> Queue::give_back(std::string receipt, milliseconds delay) {
  const auto proof = Receipt::parse(receipt);
  if (!proof) co_return false;
  CUSP_CO_TRY(const auto entry, co_await entries_->get(proof->key.text()));
  if (!entry || entry->revision != proof->revision) co_return false;
  CUSP_CO_TRY(State state, decode_state(entry->metadata));
  state.in_flight = false;
  const IndexKey key{.due = now_() + delay, .id = proof->key.id};
  std::vector<kv::Change> changes{index_change(key, state, entry->expires)};
  CUSP_CO_TRY(const bool done, co_await replace(std::move(receipt), std::move(changes)));
  if (done && delay == milliseconds(0)) announce();
  co_return done;
}

io::Task<Result<bool>> Queue::bury(std::string receipt, std::string reason) {
  const auto proof = Receipt::parse(receipt);
  if (!proof) co_return false;
  CUSP_CO_TRY(const auto entry, co_await entries_->get(proof->key.text()));
  if (!entry || entry->revision != proof->revision) co_return false;
  CUSP_CO_TRY(const State state, decode_state(entry->metadata));
  const Death death{.deliveries = state.deliveries, .reason = std::move(reason)};
  std::vector<kv::Change> changes{dead_change(proof->key.id, death, entry->expires)};
  co_return co_await replace(std::move(receipt), std::move(changes));
}

// ---- operators --------------------------------------------------------------------------------
io::Task<Result<std::vector<Message>>> Queue::peek(size_t limit) {
  CUSP_CO_TRY(const auto listed, co_await due(now_(), std::min(limit, kPage)));
  std::vector<Candidate> shown;
  for (const kv::Listed& entry : listed) {
    const auto key = IndexKey::parse(entry.key);
    CUSP_CO_TRY(const State state, decode_state(entry.metadata));
    if (key) shown.push_back({.key = *key, .deliveries = state.deliveries});
  }
  CUSP_CO_TRY(auto messages, co_await load(std::move(shown)));
  for (Message& message : messages) message.receipt.clear();
  co_return messages;
}

io::Task<Result<std::vector<DeadMessage>>> Queue::dead(size_t limit, std::string after) {
  kv::ListOptions options{.prefix = std::string(kDeadPrefix),
                          .after = after.empty() ? "" : dead_key(after),
                          .limit = std::min(limit, kPage)};
  CUSP_CO_TRY(const kv::Page page, co_await entries_->list(std::move(options)));
  std::vector<DeadMessage> found;
  for (const kv::Listed& listed : page.keys) {
    std::string id = listed.key.substr(kDeadPrefix.size());
    CUSP_CO_TRY(Death death, decode_death(listed.metadata));
    CUSP_CO_TRY(const auto entry, co_await entries_->get(body_key(id)));
    if (!entry) continue;
    CUSP_CO_TRY(Head head, decode_head(entry->metadata));
    found.push_back({.id = std::move(id),
                     .bytes = entry->value.size(),
                     .content_type = std::move(head.content_type),
                     .sent = head.sent,
                     .deliveries = death.deliveries,
                     .reason = std::move(death.reason)});
  }
  co_return found;
}

io::Task<Result<bool>> Queue::retry_dead(std::string id) {
  CUSP_CO_TRY(const auto entry, co_await entries_->get(dead_key(id)));
  if (!entry) co_return false;
  kv::Change gone = kv::Change::erase(dead_key(id));
  gone.expected = entry->revision;
  kv::Write write{std::move(gone)};
  write.push_back(index_change({.due = now_(), .id = id}, {}, entry->expires));
  CUSP_CO_TRY(const kv::Written written, co_await entries_->write(std::move(write)));
  if (written.applied) announce();
  co_return written.applied;
}

// The keys with that prefix, whatever their number.
io::Task<Result<std::vector<kv::Listed>>> Queue::all(std::string prefix) {
  std::vector<kv::Listed> found;
  std::optional<std::string> after = "";
  while (after) {
    kv::ListOptions options{.prefix = prefix, .after = *after, .limit = kPage};
    CUSP_CO_TRY(kv::Page page, co_await entries_->list(std::move(options)));
    std::ranges::move(page.keys, std::back_inserter(found));
    after = std::move(page.next);
  }
  co_return found;
}

io::Task<Result<size_t>> Queue::purge(bool only_dead) {
  CUSP_CO_TRY(auto keys, co_await all(std::string(kDeadPrefix)));
  if (!only_dead) {
    CUSP_CO_TRY(auto others, co_await all(std::string(IndexKey::kPrefix)));
    std::ranges::move(others, std::back_inserter(keys));
  }
  for (size_t at = 0; at < keys.size(); at += kPage) {
    kv::Write write;
    for (size_t i = at; i < std::min(keys.size(), at + kPage); ++i) {
      write.push_back(kv::Change::erase(body_key(id_of(keys[i].key))));
      write.push_back(kv::Change::erase(std::move(keys[i].key)));
    }
    CUSP_CO_CHECK(co_await entries_->write(std::move(write)));
  }
  co_return keys.size();
}

io::Task<Result<Counts>> Queue::count() {
  Counts counts;
  const std::string end = IndexKey::end(now_());
  CUSP_CO_TRY(const auto index, co_await all(std::string(IndexKey::kPrefix)));
  for (const kv::Listed& listed : index) {
    CUSP_CO_TRY(const State state, decode_state(listed.metadata));
    if (listed.key < end) {
      const auto key = IndexKey::parse(listed.key);
      if (key && !counts.oldest) counts.oldest = key->due;
      ++counts.ready;
    } else {
      ++(state.in_flight ? counts.in_flight : counts.delayed);
    }
  }
  CUSP_CO_TRY(const auto dead, co_await all(std::string(kDeadPrefix)));
  counts.dead = dead.size();
  co_return counts;
}

}  // namespace cusp::store::queue
