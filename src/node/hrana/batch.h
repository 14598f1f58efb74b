#pragma once

#include <optional>
#include <vector>

#include "io/task.h"
#include "node/hrana/codec.h"
#include "node/hrana/streams.h"

namespace cusp::node::hrana {

// Runs one statement of a stream's. Errors: the statement's; kPermissionDenied when `access` is to
// read and the statement would do more; kInvalidArgument, the stream keeps no such text.
io::Task<Result<store::sql::Rows>> run_statement(Stream& stream, Stmt stmt, Access access);

// The text, or what the stream keeps under its number. Errors: kInvalidArgument.
Result<std::string> resolve(const Stream& stream, const SqlText& sql);

// The steps of a batch, one after the other; those whose conditions do not hold are left out.
class Batch {
 public:
  explicit Batch(std::vector<Step> steps) : steps_(std::move(steps)), states_(steps_.size()) {}

  struct Outcome {
    size_t step;
    bool want_rows;
    Result<store::sql::Rows> rows;
  };
  // The next step that runs; nothing: all have.
  io::Task<std::optional<Outcome>> next(Stream& stream, Access access);
  size_t size() const { return steps_.size(); }

 private:
  enum class State : uint8_t { kSkipped, kOk, kError };
  bool holds(const Condition& condition, const Stream& stream) const;

  std::vector<Step> steps_;
  std::vector<State> states_;
  size_t next_ = 0;
};

}  // namespace cusp::node::hrana
