#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "node/token_store.h"
#include "store/sql/database.h"

namespace cusp::node::hrana {

// What a client has going on with one database from request to request.
struct Stream {
  std::string owner;  // the token that it was opened with
  std::string app;
  std::string database;
  std::unique_ptr<store::sql::Session> session;
  std::map<int32_t, std::string> texts;  // that the client has stored
  size_t text_bytes = 0;
  bool closed = false;  // the client asked for it
};
using StreamPtr = std::unique_ptr<Stream>;

// The streams between two requests, each under a baton: 192 random bits that open it once. What
// nobody asks for within kIdle is closed, and its transaction rolled back. Thread-safe.
class Streams {
 public:
  // Takes the stream out. Errors: kNotFound, for one that never was, has expired, was opened with
  // another token or for another database, or is in use.
  Result<StreamPtr> take(const std::string& baton, const Token& token, std::string_view app,
                         std::string_view database);
  // A baton for a stream that put() will bring.
  static std::string make_baton();
  // When there are too many, the one that has waited longest goes.
  void put(std::string baton, StreamPtr stream);

  static constexpr std::chrono::seconds kIdle{10};
  static constexpr size_t kStreamsMax = 1'000;
  static constexpr size_t kStreamsOfTokenMax = 100;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    std::string baton;
    Clock::time_point since;
    StreamPtr stream;
  };
  using List = std::list<Waiting>;

  List expired_or_surplus(Clock::time_point now, const std::string& owner);

  std::mutex mutex_;  // guards what follows
  List waiting_;      // the longest wait first
};

}  // namespace cusp::node::hrana
