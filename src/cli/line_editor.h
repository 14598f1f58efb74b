#pragma once

#include <optional>
#include <string>

namespace cusp::cli {

// Lines that a person types on a terminal, with the usual keys (libedit) and a history that
// outlives the program. One at a time in a process: the library's state is its own.
class LineEditor {
 public:
  // `history` is a file, made when it is first needed and readable by its owner alone. One that
  // cannot be read or written is done without.
  explicit LineEditor(std::string history);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Blocks. Nothing: the end of the input (Ctrl-D).
  std::optional<std::string> read(const char* prompt);
  // Puts a text into the history as one line. The same one twice is there once.
  void remember(const std::string& text);

 private:
  const std::string history_;
  std::string last_;
};

}  // namespace cusp::cli
