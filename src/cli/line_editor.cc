#include "cli/line_editor.h"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <editline/readline.h>

namespace cusp::cli {

namespace {

constexpr int kLinesMax = 1000;  // of the history

}  // namespace

LineEditor::LineEditor(std::string history) : history_(std::move(history)) {
  std::setlocale(LC_CTYPE, "");  // letters of more than one byte
  ::using_history();
  ::stifle_history(kLinesMax);
  ::read_history(history_.c_str());
}

LineEditor::~LineEditor() { ::clear_history(); }

std::optional<std::string> LineEditor::read(const char* prompt) {
  const std::unique_ptr<char, void (*)(void*)> line(::readline(prompt), std::free);
  if (line == nullptr) return std::nullopt;
  return std::string(line.get());
}

void LineEditor::remember(const std::string& text) {
  std::string line;
  for (const char byte : text) line += byte == '\n' ? ' ' : byte;
  while (line.ends_with(' ')) line.pop_back();
  if (line.empty() || line == last_) return;
  last_ = line;
  ::add_history(line.c_str());
  std::error_code ignored;
  const std::filesystem::path path(history_);
  std::filesystem::create_directories(path.parent_path(), ignored);
  // Each at once: a shell that is killed loses none.
  if (::write_history(history_.c_str()) != 0) return;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
}

}  // namespace cusp::cli
