#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/kv/store.h"

// How a queue lies in its key-value store (docs/formats/stores.md). For the .cc files of this
// folder.
namespace cusp::store::queue {

using kv::Time;

// "m" and the id: a message's body, with its head.
inline constexpr std::string_view kBodyPrefix = "m";
// "d" and the id: a message that is delivered no more.
inline constexpr std::string_view kDeadPrefix = "d";

// 12 hexadecimal digits of milliseconds since 1970, then 8 of a number: in the order of sending.
std::string message_id(Time sent, uint32_t number);
std::string body_key(std::string_view id);
std::string dead_key(std::string_view id);
// Of a key with any prefix.
std::string id_of(std::string_view key);
// A key that lies before `key`, and behind all that lie before it in a queue.
std::string before(std::string_view key);

// "v", the time that the message is ready at, and its id: what is ready comes first.
struct IndexKey {
  static constexpr std::string_view kPrefix = "v";

  Time due;
  std::string id;

  std::string text() const;
  static std::optional<IndexKey> parse(std::string_view text);
  // The first key that is not ready at `now`.
  static std::string end(Time now);
};

// What a receiver has to show.
struct Receipt {
  IndexKey key;
  uint64_t revision = 0;

  static std::optional<Receipt> parse(std::string_view text);
};
std::string receipt_of(const IndexKey& key, uint64_t revision);

// The metadata of the three kinds of keys, as MessagePack.
struct Head {
  std::string content_type;
  Time sent;
};
struct State {
  uint32_t deliveries = 0;
  bool in_flight = false;
};
struct Death {
  uint32_t deliveries = 0;
  std::string reason;
};

std::string encode(const Head& head);
// Errors of these: kDataLoss.
Result<Head> decode_head(std::string_view bytes);
Result<State> decode_state(std::string_view bytes);
Result<Death> decode_death(std::string_view bytes);
std::unexpected<Error> not_a_record();

kv::Change index_change(const IndexKey& key, const State& state, std::optional<Time> expires);
kv::Change dead_change(const std::string& id, const Death& death, std::optional<Time> expires);

}  // namespace cusp::store::queue
