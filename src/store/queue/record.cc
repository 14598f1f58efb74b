#include "store/queue/record.h"

#include <charconv>

#include <fmt/format.h>

#include "store/msgpack.h"

namespace cusp::store::queue {

namespace {

using nlohmann::json;

constexpr size_t kTimeDigits = 12;
constexpr size_t kIdDigits = kTimeDigits + 8;
constexpr size_t kReasonBytesMax = 256;  // a key's metadata has a bound

std::string digits(Time time) { return fmt::format("{:012x}", time.time_since_epoch().count()); }

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T, class Read>
Result<T> unpack(std::string_view bytes, Read read) {
  auto value = from_msgpack<T>(bytes, std::move(read));
  if (!value) return not_a_record();
  return std::move(*value);
}

}  // namespace

std::unexpected<Error> not_a_record() {
  return fail(ErrorCode::kDataLoss,
              "a queue holds something that is no message; restore it from a backup");
}

std::string message_id(Time sent, uint32_t number) {
  return fmt::format("{}{:08x}", digits(sent), number);
}

std::string body_key(std::string_view id) { return std::string(kBodyPrefix).append(id); }
std::string dead_key(std::string_view id) { return std::string(kDeadPrefix).append(id); }

std::string id_of(std::string_view key) {
  return std::string(key.size() < kIdDigits ? key : key.substr(key.size() - kIdDigits));
}

std::string before(std::string_view key) {
  std::string text(key);
  text.pop_back();
  return text;
}

std::string IndexKey::text() const { return std::string(kPrefix) + digits(due) + id; }

std::optional<IndexKey> IndexKey::parse(std::string_view text) {
  if (text.size() != kPrefix.size() + kTimeDigits + kIdDigits || !text.starts_with(kPrefix)) {
    return std::nullopt;
  }
  text.remove_prefix(kPrefix.size());
  const auto due = number(text.substr(0, kTimeDigits));
  const std::string_view id = text.substr(kTimeDigits);
  if (!due || id.find_first_not_of("0123456789abcdef") != id.npos) return std::nullopt;
  return IndexKey{.due = Time(std::chrono::milliseconds(*due)), .id = std::string(id)};
}

std::string IndexKey::end(Time now) {
  return std::string(kPrefix) + digits(now + std::chrono::milliseconds(1));
}

std::string receipt_of(const IndexKey& key, uint64_t revision) {
  return fmt::format("{}.{:x}", key.text(), revision);
}

std::optional<Receipt> Receipt::parse(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == text.npos) return std::nullopt;
  const auto key = IndexKey::parse(text.substr(0, dot));
  const auto revision = number(text.substr(dot + 1));
  // Revision 0 is that of a key that is not there.
  if (!key || !revision || *revision == 0) return std::nullopt;
  return Receipt{.key = *key, .revision = *revision};
}

std::string encode(const Head& head) {
  return to_msgpack(json::array({head.content_type, head.sent.time_since_epoch().count()}));
}

Result<Head> decode_head(std::string_view bytes) {
  return unpack<Head>(bytes, [](const json& value) {
    return Head{.content_type = value.at(0).get<std::string>(),
                .sent = Time(std::chrono::milliseconds(value.at(1).get<int64_t>()))};
  });
}

Result<State> decode_state(std::string_view bytes) {
  return unpack<State>(bytes, [](const json& value) {
    return State{.deliveries = value.at(0).get<uint32_t>(), .in_flight = value.at(1).get<bool>()};
  });
}

Result<Death> decode_death(std::string_view bytes) {
  return unpack<Death>(bytes, [](const json& value) {
    return Death{.deliveries = value.at(0).get<uint32_t>(),
                 .reason = value.at(1).get<std::string>()};
  });
}

kv::Change index_change(const IndexKey& key, const State& state, std::optional<Time> expires) {
  kv::Change change = kv::Change::set(key.text(), "");
  change.metadata = to_msgpack(json::array({state.deliveries, state.in_flight}));
  change.expires = expires;
  return change;
}

kv::Change dead_change(const std::string& id, const Death& death, std::optional<Time> expires) {
  kv::Change change = kv::Change::set(dead_key(id), "");
  change.metadata =
      to_msgpack(json::array({death.deliveries, death.reason.substr(0, kReasonBytesMax)}));
  change.expires = expires;
  return change;
}

}  // namespace cusp::store::queue
