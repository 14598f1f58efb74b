#include "node/error_page.h"

#include <fmt/format.h>

#include <string_view>

namespace cusp::node {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  }
  return result;
}

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#16181d;color:#e6e6e6}"
    "main{max-width:60rem;margin:4rem auto;padding:0 1.5rem}"
    "h1{font-size:1.1rem;color:#ff6b6b;margin:0}"
    "h2{font:600 1rem ui-monospace,monospace;color:#8ab4f8;margin:.5rem 0 1.5rem}"
    "pre{font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;"
    "background:#1f2229;border-left:3px solid #ff6b6b;padding:1rem;margin:0}"
    "p{color:#9aa0a6;font-size:.9rem}";

}  // namespace

std::string error_page(const Error& error) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"refresh\" content=\"1\"><title>cusp dev</title><style>{}</style></head>\n"
      "<body><main><h1>The application is not up to date</h1>\n<h2>{}</h2>\n<pre>{}</pre>\n"
      "<p>This page looks again every second. `cusp dev` tells the same in its terminal.</p>\n"
      "</main></body></html>\n",
      kStyle, escaped(error.context), escaped(error.message));
}

}  // namespace cusp::node
