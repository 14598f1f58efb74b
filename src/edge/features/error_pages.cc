#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "edge/features/config_file.h"
#include "edge/features/features.h"
#include "edge/negotiation.h"

// error_pages = { 404 = "404.html", 5xx = "broken.html" }
namespace cusp::edge {

namespace {

// What describes the body that is replaced, or lets a client combine it with another one.
constexpr std::array kContentFields = std::to_array<std::string_view>(
    {"accept-ranges", "content-disposition", "content-encoding", "content-language",
     "content-length", "content-location", "content-md5", "content-range", "digest", "repr-digest",
     "content-digest", "etag", "last-modified", "trailer"});

// Pages by status (404) or class (5).
using Pages = std::map<uint16_t, std::string>;

class ErrorPages final : public Feature {
 public:
  explicit ErrorPages(Pages pages) : pages_(std::move(pages)) {}

  // First of all, so that it knows what the client wants whoever answers.
  Phase phase() const override { return Phase::kAdmit; }

  Outcome act(Exchange& exchange) const override {
    const http::Request& request = exchange.request;
    const bool page_possible = request.method != "HEAD" && request.method != "CONNECT" &&
                               request.upgrade.empty() && !request.fields.get("range");
    auto accept = page_possible ? request.fields.get_all("accept") : std::nullopt;
    if (accept) exchange.remember(*this, std::move(*accept));
    return Continue{};
  }

  void deliver(Exchange& exchange, http::Response& response) const override {
    const std::string* page = page_for(response.status);
    if (page == nullptr) return;
    add_vary(response.fields, "accept");
    const std::string* accept = exchange.remembered(*this);
    if (accept == nullptr || !accepts_html(*accept)) return;
    for (const std::string_view name : kContentFields) response.fields.remove(name);
    response.fields.set("content-type", "text/html; charset=utf-8");
    response.body = http::make_body(*page);
  }

 private:
  const std::string* page_for(uint16_t status) const {
    for (const uint16_t key : {status, static_cast<uint16_t>(status / 100)}) {
      if (const auto page = pages_.find(key); page != pages_.end()) return &page->second;
    }
    return nullptr;
  }

  const Pages pages_;
};

// "404" or "5xx"; 0: neither.
uint16_t parse_key(std::string_view key) {
  if (key == "4xx") return 4;
  if (key == "5xx") return 5;
  uint16_t status = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), status);
  const bool valid = error == std::errc{} && end == key.data() + key.size();
  return valid && status >= 400 && status <= 599 ? status : 0;
}

}  // namespace

std::unique_ptr<Feature> read_error_pages(const Value& value, const FeatureContext& context) {
  auto table = value.table();
  if (!table) return nullptr;
  Pages pages;
  for (const TableReader::Entry& entry : table->entries()) {
    const uint16_t key = parse_key(entry.key);
    if (key == 0) {
      entry.value.error(fmt::format(
          "'{}' is neither a status from 400 to 599 nor \"4xx\" or \"5xx\"", entry.key));
    }
    auto page = read_config_file(entry.value, context, kPageBytesMax);
    if (page && page->empty()) entry.value.error("the page is empty");
    if (page) pages[key] = std::move(*page);
  }
  return std::make_unique<ErrorPages>(std::move(pages));
}

}  // namespace cusp::edge
