#include "node/kv_rest/multipart.h"

#include <algorithm>

namespace cusp::node::kv_rest {

namespace {

constexpr std::string_view kLine = "\r\n";
constexpr size_t kBoundaryBytesMax = 70;  // RFC 2046 section 5.1.1

std::unexpected<Error> wrong(const char* message) {
  return fail(ErrorCode::kInvalidArgument, message);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return result;
}

// The value of a parameter, quoted or not; empty: it is not there. Names of parameters are
// case-insensitive.
std::string parameter(std::string_view field, std::string_view name) {
  const std::string folded = lower(field);
  const std::string wanted = std::string(name) + "=";
  for (size_t at = folded.find(wanted); at != folded.npos; at = folded.find(wanted, at + 1)) {
    if (at == 0 || std::string_view("; \t").find(folded[at - 1]) == std::string_view::npos)
      continue;
    std::string_view value = field.substr(at + wanted.size());
    if (value.starts_with('"')) {
      value.remove_prefix(1);
      return std::string(value.substr(0, value.find('"')));
    }
    return std::string(value.substr(0, value.find_first_of("; \t\r\n")));
  }
  return {};
}

// The name that the head of a part gives it.
std::string name_of(std::string_view head) {
  while (!head.empty()) {
    const size_t end = std::min(head.find(kLine), head.size());
    const std::string_view line = head.substr(0, end);
    if (lower(line.substr(0, line.find(':'))) == "content-disposition") {
      return parameter(line, "name");
    }
    head.remove_prefix(std::min(end + kLine.size(), head.size()));
  }
  return {};
}

}  // namespace

Result<std::map<std::string, std::string>> parse_form(std::string_view content_type,
                                                      std::string_view body) {
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kBoundaryBytesMax) {
    return wrong("'content-type' names no boundary of the form's parts");
  }
  const std::string delimiter = "--" + boundary;
  const std::string between = "\r\n" + delimiter;
  std::map<std::string, std::string> fields;
  size_t at = body.starts_with(delimiter) ? 0 : body.find(between);
  if (at == body.npos) return wrong("the form has no part");
  at += at == 0 ? delimiter.size() : between.size();
  while (!body.substr(at).starts_with("--")) {
    const size_t head = body.find(kLine, at);
    const size_t end = body.find(between, at);
    if (head == body.npos || end == body.npos) return wrong("a part of the form does not end");
    const std::string_view part = body.substr(head, end - head);
    const size_t data = part.find("\r\n\r\n");
    if (data == part.npos) return wrong("a part of the form has no head");
    const std::string name = name_of(part.substr(kLine.size(), data));
    if (name.empty()) return wrong("a part of the form has no name");
    if (fields.size() == kPartsMax) return wrong("the form has too many parts");
    if (!fields.emplace(name, part.substr(data + 4)).second) {
      return wrong("two parts of the form have the same name");
    }
    at = end + between.size();
  }
  return fields;
}

}  // namespace cusp::node::kv_rest
