#include "node/hrana/cursor_body.h"

#include <algorithm>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::node::hrana {

namespace {

class CursorBody final : public http::Body {
 public:
  CursorBody(Streams& streams, StreamPtr stream, Batch batch, Access access)
      : streams_(streams),
        stream_(std::move(stream)),
        batch_(std::move(batch)),
        access_(access),
        baton_(Streams::make_baton()) {
    line({{"baton", baton_}, {"base_url", nullptr}});
  }

  bool ready() override { return at_ < text_.size(); }

  io::Task<Result<http::BodyPart>> read() override {
    while (text_.size() - at_ < limits::kBodyChunkBytes && stream_) {
      text_.erase(0, std::exchange(at_, 0));
      if (!rows_) {
        co_await run_step();
      } else {
        write_rows();
      }
    }
    const size_t size = std::min(text_.size() - at_, limits::kBodyChunkBytes);
    http::BodyPart part{.data = text_.substr(at_, size)};
    at_ += size;
    part.end = !stream_ && at_ == text_.size();
    co_return part;
  }

 private:
  io::Task<void> run_step() {
    auto outcome = co_await batch_.next(*stream_, access_);
    if (!outcome) {
      streams_.put(baton_, std::move(stream_));
    } else if (!outcome->rows) {
      line({{"type", "step_error"},
            {"step", outcome->step},
            {"error", error_json(outcome->rows.error())}});
    } else {
      rows_ = std::move(*outcome->rows);
      row_ = 0;
      count_ = outcome->want_rows ? rows_->count() : 0;
      line({{"type", "step_begin"}, {"step", outcome->step}, {"cols", columns_json(*rows_)}});
    }
  }

  void write_rows() {
    for (; row_ < count_ && text_.size() < limits::kBodyChunkBytes; ++row_) {
      line({{"type", "row"}, {"row", row_json(*rows_, row_)}});
    }
    if (row_ < count_) return;
    line({{"type", "step_end"},
          {"affected_row_count", rows_->changes},
          {"last_insert_rowid", std::to_string(rows_->last.insert_rowid)}});
    rows_.reset();
  }

  void line(const json& entry) { text_.append(to_text(entry)).append("\n"); }

  Streams& streams_;
  StreamPtr stream_;  // null at the end
  Batch batch_;
  const Access access_;
  const std::string baton_;
  std::optional<store::sql::Rows> rows_;  // of the step that is being sent
  size_t row_ = 0;
  size_t count_ = 0;
  std::string text_;  // bytes before at_ are sent
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<http::Body> make_cursor_body(Streams& streams, StreamPtr stream, Batch batch,
                                             Access access) {
  return std::make_unique<CursorBody>(streams, std::move(stream), std::move(batch), access);
}

}  // namespace cusp::node::hrana
