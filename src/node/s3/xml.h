#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

// The documents of S3's API: small, without attributes that matter.
namespace cusp::node::s3 {

struct XmlElement {
  std::string name;  // without its namespace's prefix
  std::string text;  // of the element itself
  std::vector<XmlElement> children;

  const XmlElement* child(std::string_view name) const;      // null: there is none
  std::string_view child_text(std::string_view name) const;  // "": the same
};

// Nothing: not well formed, a document type (so there are no entities but XML's own five), deeper
// than 8 levels or of more than 40,000 elements.
std::optional<XmlElement> parse_xml(std::string_view text);

// Writes a document; the caller sees to the nesting.
class XmlWriter {
 public:
  XmlWriter() : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

  void open(std::string_view name);
  void open_root(std::string_view name);  // with S3's namespace
  void close(std::string_view name);
  void element(std::string_view name, std::string_view text);
  void element(std::string_view name, uint64_t number) { element(name, std::to_string(number)); }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

http::Response xml_response(uint16_t status, XmlWriter xml);

}  // namespace cusp::node::s3
