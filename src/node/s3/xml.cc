#include "node/s3/xml.h"

#include <expat.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

namespace cusp::node::s3 {

namespace {

constexpr size_t kDepthMax = 8;
constexpr size_t kElementsMax = 40'000;
constexpr XML_Char kNamespaceSeparator = ' ';

// What Expat tells, made a tree. A parent's children do not move while one of them is open: its
// place is found from the top.
struct Builder {
  XML_Parser parser = nullptr;
  XmlElement document;
  std::vector<XmlElement*> open{&document};
  size_t elements = 0;
  bool stopped = false;  // Expat may still tell of this and that

  void stop() {
    stopped = true;
    XML_StopParser(parser, XML_FALSE);
  }
  void start(std::string_view name) {
    if (stopped) return;
    if (open.size() > kDepthMax || ++elements > kElementsMax) return stop();
    auto& element = open.back()->children.emplace_back();
    element.name = name.substr(name.rfind(kNamespaceSeparator) + 1);
    open.push_back(&element);
  }
  void end() {
    if (!stopped) open.pop_back();
  }
  void text(std::string_view text) {
    if (!stopped) open.back()->text += text;
  }
};

void on_start(void* user, const XML_Char* name, const XML_Char**) noexcept {
  static_cast<Builder*>(user)->start(name);
}
void on_end(void* user, const XML_Char*) noexcept { static_cast<Builder*>(user)->end(); }
void on_text(void* user, const XML_Char* text, int size) noexcept {
  static_cast<Builder*>(user)->text({text, static_cast<size_t>(size)});
}
void on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) noexcept {
  static_cast<Builder*>(user)->stop();
}

// Characters that XML has no place for are escaped all the same, as Amazon S3 does.
void escape(std::string_view text, std::string& to) {
  for (const char byte : text) {
    switch (byte) {
      case '&': to += "&amp;"; break;
      case '<': to += "&lt;"; break;
      case '>': to += "&gt;"; break;
      case '"': to += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(byte) < 0x20) {
          to += fmt::format("&#x{:x};", static_cast<unsigned char>(byte));
        } else {
          to += byte;
        }
    }
  }
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view name) const {
  const auto found = std::ranges::find(children, name, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::child_text(std::string_view name) const {
  const XmlElement* found = child(name);
  return found == nullptr ? std::string_view() : found->text;
}

std::optional<XmlElement> parse_xml(std::string_view text) {
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(
      XML_ParserCreateNS("UTF-8", kNamespaceSeparator), XML_ParserFree);
  if (!parser) return std::nullopt;
  Builder builder{.parser = parser.get()};
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (status != XML_STATUS_OK || builder.stopped || builder.document.children.size() != 1)
    return std::nullopt;
  return std::move(builder.document.children.front());
}

void XmlWriter::open(std::string_view name) { text_ += fmt::format("<{}>", name); }

void XmlWriter::open_root(std::string_view name) {
  text_ += fmt::format("<{} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", name);
}

void XmlWriter::close(std::string_view name) { text_ += fmt::format("</{}>", name); }

void XmlWriter::element(std::string_view name, std::string_view text) {
  open(name);
  escape(text, text_);
  close(name);
}

http::Response xml_response(uint16_t status, XmlWriter xml) {
  http::Response response{.status = status};
  response.fields.add("content-type", "application/xml");
  response.body = http::make_body(xml.take());
  return response;
}

}  // namespace cusp::node::s3
