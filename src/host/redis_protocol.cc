#include "host/redis_protocol.h"

#include <hiredis/hiredis.h>

#include <fmt/format.h>

namespace cusp::host {

namespace {

// hiredis would build a tree and allocate what a list's length announces. These put the values one
// behind the other instead; null ends the reading.
RedisReply& reply_of(const redisReadTask* task) {
  return *static_cast<RedisReply*>(task->privdata);
}

void* add(const redisReadTask* task, RedisValue value) noexcept {
  auto& reply = reply_of(task);
  if (reply.values.size() >= kRedisReplyValuesMax) return nullptr;
  reply.values.push_back(std::move(value));
  return &reply;
}

void* add_string(const redisReadTask* task, char* data, size_t size) noexcept {
  std::string text(data, size);
  if (task->type == REDIS_REPLY_STATUS) return add(task, RedisStatus{std::move(text)});
  if (task->type != REDIS_REPLY_ERROR) return add(task, std::move(text));
  auto& reply = reply_of(task);
  if (reply.error.empty()) reply.error = std::move(text);
  return &reply;
}

void* add_list(const redisReadTask* task, int size) noexcept {
  auto& reply = reply_of(task);
  const bool fits = size >= 0 && static_cast<size_t>(size) <= kRedisReplyValuesMax;
  return fits ? &reply : nullptr;
}

void* add_integer(const redisReadTask* task, long long integer) noexcept {
  return add(task, int64_t{integer});
}

void* add_nil(const redisReadTask* task) noexcept { return add(task, {}); }

void free_nothing(void*) noexcept {}

redisReplyObjectFunctions kFunctions{add_string, add_list, add_integer, add_nil, free_nothing};

}  // namespace

std::string format_redis_command(std::span<const std::string> words) {
  std::string command = fmt::format("*{}\r\n", words.size());
  for (const auto& word : words) {
    fmt::format_to(std::back_inserter(command), "${}\r\n", word.size());
    command.append(word).append("\r\n");
  }
  return command;
}

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreateWithFunctions(&kFunctions)) {
  reader_->privdata = &reply_;
}

RedisReplyReader::~RedisReplyReader() = default;

void RedisReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

Result<> RedisReplyReader::append(std::string_view piece) {
  bytes_ += piece.size();
  if (bytes_ > kRedisReplyBytesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the server's reply has more than {} bytes", kRedisReplyBytesMax));
  }
  if (redisReaderFeed(reader_.get(), piece.data(), piece.size()) != REDIS_OK) return broken();
  return {};
}

Result<bool> RedisReplyReader::next() {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) return broken();
  if (whole == nullptr) return false;
  bytes_ = reader_->len - reader_->pos;
  return true;
}

bool RedisReplyReader::empty() const { return reader_->pos == reader_->len; }

std::unexpected<Error> RedisReplyReader::broken() const {
  if (reader_->err == REDIS_ERR_OOM) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the server's reply has more than {} values", kRedisReplyValuesMax));
  }
  return fail(ErrorCode::kInvalidArgument, "the server does not speak Redis's protocol");
}

}  // namespace cusp::host
