#include "node/app_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace cusp::node {

namespace {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string_view without_port(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.find(']', colon) != authority.npos) return authority;
  return authority.substr(0, colon);
}

}  // namespace

Result<std::shared_ptr<const AppTable>> AppTable::create(
    std::vector<std::shared_ptr<const Deployment>> apps) {
  auto table = std::make_shared<AppTable>();
  table->apps_ = std::move(apps);
  for (size_t i = 0; i < table->apps_.size(); ++i) {
    const app::App& app = table->apps_[i]->app();
    const auto clash = [&](const app::App& other, std::string_view what) {
      return fail(ErrorCode::kAlreadyExists,
                  fmt::format("apps '{}' and '{}' both answer on {}; give each its own `hosts`",
                              other.name, app.name, what),
                  app.manifest_path);
    };
    if (app.hosts.empty()) {
      if (table->any_ != nullptr) return clash((*table->any_)->app(), "every host");
      table->any_ = &table->apps_[i];
    }
    for (const auto& host : app.hosts) {
      const bool wildcard = host.starts_with("*.");
      Host entry{to_lower(wildcard ? std::string_view(host).substr(1) : host), wildcard, i};
      const auto same = std::ranges::find_if(table->hosts_, [&](const Host& other) {
        return other.name == entry.name && other.wildcard == entry.wildcard;
      });
      if (same != table->hosts_.end()) return clash(table->apps_[same->app]->app(), host);
      table->hosts_.push_back(std::move(entry));
    }
  }
  // Exact names first, then the longest wildcards: the first match is the best one.
  std::ranges::sort(table->hosts_, [](const Host& a, const Host& b) {
    if (a.wildcard != b.wildcard) return !a.wildcard;
    return a.name.size() > b.name.size();
  });
  return table;
}

const std::shared_ptr<const Deployment>* AppTable::find(std::string_view authority) const {
  if (!hosts_.empty()) {
    const std::string host = to_lower(without_port(authority));
    for (const Host& candidate : hosts_) {
      const bool matches =
          candidate.wildcard ? host.size() > candidate.name.size() && host.ends_with(candidate.name)
                             : host == candidate.name;
      if (matches) return &apps_[candidate.app];
    }
  }
  return any_;
}

}  // namespace cusp::node
