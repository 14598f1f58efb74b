#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "io/asio.h"

// What the writers of all kinds of stores share: each writes turn after turn and notes those that
// were acknowledged.
namespace cusp::store_crash {

inline constexpr size_t kWriters = 8;
using Counts = std::array<uint64_t, kWriters>;
using Turns = std::set<uint64_t>;

// What must hold does not: the test fails with these words.
[[noreturn]] void die(const std::string& why);

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().to_string());
  return std::move(*result);
}
void must(const Result<>& result);

uint64_t number(std::string_view text);

// Of every size up to a few pages; now and then one that RocksDB keeps apart.
std::string payload(size_t writer, uint64_t turn);

// A list of turns, one a line: "WRITER TURN".
int open_log(const std::string& path);
void acknowledge(int log, size_t writer, uint64_t turn);
// What each writer was told is written: its turns in the list, and the last of them.
std::array<Turns, kWriters> listed(const std::string& file);
Counts acknowledged(const std::string& file);

}  // namespace cusp::store_crash
