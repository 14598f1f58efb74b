#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "cli/command.h"
#include "node/node.h"
#include "node/token_store.h"

namespace cusp::cli {

namespace {

using nlohmann::json;

struct TokenOptions {
  std::string app;
  std::string id;
  std::vector<std::string> stores;
  bool write = false;
  std::string expires;
  bool json = false;
  std::string state_directory;
};

constexpr const char* kFooter = R"(Examples:
  cusp token create shop --store sql:orders                (read one database)
  cusp token create shop --store kv:default --store 'object:*' --write --expires 720h
  cusp token list
  cusp token revoke CUSPABCDEFGHIJKLMNOP

A token lets a program outside of the node use an application's stores: as a bearer token with
libSQL's clients (Hrana), as access key and secret key with those of S3. It is shown once. A node
that runs takes a change within a second.
Exit codes: 0 done; 2 a name, store or duration is wrong; 3 there is no such token.)";

// "kv:default", "sql:*"
Result<node::TokenScope> parse_scope(const std::string& text) {
  const size_t colon = text.find(':');
  const auto kind = node::store_kind(std::string_view(text).substr(0, colon));
  if (kind && colon != text.npos && colon + 1 < text.size()) {
    return node::TokenScope{*kind, text.substr(colon + 1)};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--store '{}': expected kv:NAME, sql:NAME, object:NAME or queue:NAME, "
                          "with * for every NAME",
                          text));
}

Result<std::unique_ptr<node::TokenStore>> open(const TokenOptions& options) {
  const std::string& folder = options.state_directory;
  return node::TokenStore::open(folder.empty() ? node::default_state_directory() : folder);
}

std::string scopes_of(const node::TokenGrant& grant) {
  if (grant.scopes.empty()) return "every store";
  std::string text;
  for (const auto& scope : grant.scopes) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", to_string(scope.kind), scope.store);
  }
  return text;
}

std::string date_of(const node::TokenGrant& grant) {
  return grant.expires ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", *grant.expires) : "";
}

json to_json(const node::Token& token) {
  json scopes = json::array();
  for (const auto& scope : token.grant.scopes) {
    scopes.push_back(fmt::format("{}:{}", to_string(scope.kind), scope.store));
  }
  return {{"id", token.id},
          {"app", token.grant.app},
          {"stores", std::move(scopes)},
          {"write", token.grant.access == node::Access::kWrite},
          {"expires", token.grant.expires ? json(date_of(token.grant)) : json()}};
}

Result<> create(const TokenOptions& options) {
  node::TokenGrant grant{.app = options.app,
                         .access = options.write ? node::Access::kWrite : node::Access::kRead};
  for (const auto& text : options.stores) {
    CUSP_TRY(auto scope, parse_scope(text));
    grant.scopes.push_back(std::move(scope));
  }
  if (!options.expires.empty()) {
    CUSP_TRY(const auto life, parse_duration(options.expires));
    grant.expires =
        std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now() + life);
  }
  CUSP_TRY(const auto tokens, open(options));
  CUSP_TRY(const node::Token token, tokens->create(std::move(grant)));
  if (options.json) {
    json shown = to_json(token);
    shown["secret"] = token.secret;
    shown["token"] = token.bearer();
    fmt::print("{}\n", shown.dump());
    return {};
  }
  fmt::print("token       {}\naccess key  {}\nsecret key  {}\n", token.bearer(), token.id,
             token.secret);
  fmt::print(stderr, "It may {} {} of '{}'{}{}. This is shown once: keep it now.\n",
             options.write ? "read and write" : "read", scopes_of(token.grant), options.app,
             token.grant.expires ? " until " : "", date_of(token.grant));
  return {};
}

Result<> list(const TokenOptions& options) {
  CUSP_TRY(const auto tokens, open(options));
  CUSP_TRY(const auto all, tokens->list());
  json shown = json::array();
  for (const auto& token : all) {
    if (!options.app.empty() && token.grant.app != options.app) continue;
    if (options.json) {
      shown.push_back(to_json(token));
      continue;
    }
    const bool expired = token.expired(std::chrono::system_clock::now());
    fmt::print(
        "{}  {}  {}  {}{}{}\n", token.id, token.grant.app,
        token.grant.access == node::Access::kWrite ? "write" : "read ", scopes_of(token.grant),
        token.grant.expires ? expired ? "  expired " : "  until " : "", date_of(token.grant));
  }
  if (options.json) fmt::print("{}\n", shown.dump());
  return {};
}

Result<> revoke(const TokenOptions& options) {
  CUSP_TRY(const auto tokens, open(options));
  CUSP_CHECK(tokens->revoke(options.id));
  fmt::print("the token {} is revoked\n", options.id);
  return {};
}

}  // namespace

void add_token(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<TokenOptions>();  // shared: with the callbacks and the flags
  CLI::App* command =
      app.add_subcommand("token", "Let programs outside of the node use an application's stores");
  command->require_subcommand(1);
  command->footer(kFooter);
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const TokenOptions&)) {
    CLI::App* sub = command->add_subcommand(verb, what);
    sub->add_option("--state-dir", options->state_directory, "The node's state folder");
    sub->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    return sub;
  };
  CLI::App* make = add("create", "Make a token and show it, once", create);
  make->add_option("app", options->app, "The application's name")->required();
  make->add_option("--store", options->stores, "KIND:NAME of a store; without it: all of them");
  make->add_flag("--write", options->write, "To write as well as to read");
  make->add_option("--expires", options->expires, "How long it is good for, such as 720h");
  make->add_flag("--json", options->json, "As a JSON object");
  CLI::App* show = add("list", "Print the tokens, without their secrets", list);
  show->add_option("app", options->app, "Of this application alone");
  show->add_flag("--json", options->json, "As a JSON array");
  add("revoke", "End a token", revoke)
      ->add_option("id", options->id, "Its id, as `cusp token list` prints it")
      ->required();
}

}  // namespace cusp::cli
