#include "store_crash/writers.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "base/file.h"

namespace cusp::store_crash {

void die(const std::string& why) {
  std::fprintf(stderr, "store_crash: %s\n", why.c_str());
  std::_Exit(1);
}

void must(const Result<>& result) {
  if (!result) die(result.error().to_string());
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string payload(size_t writer, uint64_t turn) {
  const size_t size = turn % 61 == 7 ? 70'000 : (turn * 2'654'435'761 + writer) % 9000;
  return std::string(size, static_cast<char>('a' + (turn + writer) % 26));
}

int open_log(const std::string& path) {
  return ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
}

void acknowledge(int log, size_t writer, uint64_t turn) {
  const std::string line = fmt::format("{} {}\n", writer, turn);
  if (::write(log, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    die("cannot write the list of acknowledged writes");
  }
}

std::array<Turns, kWriters> listed(const std::string& file) {
  std::array<Turns, kWriters> turns;
  const auto text = read_file(file);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    const size_t writer = number(line);
    if (writer >= kWriters) die("the list of acknowledged writes is damaged");
    turns[writer].insert(number(line.substr(line.find(' ') + 1)));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return turns;
}

Counts acknowledged(const std::string& file) {
  Counts counts{};
  const auto turns = listed(file);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    if (!turns[writer].empty()) counts[writer] = *turns[writer].rbegin();
  }
  return counts;
}

}  // namespace cusp::store_crash
