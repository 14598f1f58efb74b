#include "edge/features/rules_builtin.h"

#include <array>

namespace cusp::edge {

namespace {

// Each begins with a search for the few bytes without which nothing can be found: most requests
// cost no more than that.

// ".." as a segment, also in the overlong UTF-8 that lax servers read as dots, and with the
// parameters that Java servers cut off; in a query, only when it climbs twice.
constexpr std::string_view kPathTraversal =
    R"x((path contains ["..", "%"] and url_decode(url_decode(path)) matches )x"
    R"x(r"(?:^|[/\\])(?:\.|\xc0\xae|\xe0\x80\xae){2}(?:[/\\;]|$)") )x"
    R"x(or query contains ["..", "%"] and )x"
    R"x(url_decode(url_decode(query)) matches r"(?:\.\.[/\\]){2}")x";

// A path holds no control byte at all; a query may hold line breaks and tabs, as forms do.
constexpr std::string_view kControlBytes =
    R"x(path contains "%" and url_decode(path) matches r"[\x00-\x1f\x7f]" )x"
    R"x(or query contains "%" and )x"
    R"x(url_decode(query) matches r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")x";

// What scanners try everywhere and no site links to.
constexpr std::string_view kScannerPaths =
    R"x(url_decode(path) matches r"(?i)/\.(?:env(?:\.[a-z]+)?$|)x"
    R"x((?:git|svn|hg|aws|ssh|ds_store|htaccess|htpasswd|npmrc|dockercfg)(?:/|$))|)x"
    R"x(/wp-config\.php(?:\.\w+)?~?$|/vendor/phpunit/|/_ignition/execute-solution|/boaform/|)x"
    R"x(^/hnap1|/cgi-bin/.*(?:sh|php|luci)\b|^/(?:actuator/(?:env|heapdump|gateway)|)x"
    R"x(solr/admin/|manager/html$|telescope/requests|debug/pprof)")x";

// A form writes a space as "+".
constexpr std::string_view kSqlInjection =
    R"x(query contains ["+", "%", "'", "("] and url_decode(url_decode(query)) matches r"(?i))x"
    R"x(union[\s+]+(?:all[\s+]+)?select[\s+]+(?:null|\d+)[\s+]*(?:,|--|#|from\b|$)|)x"
    R"x('[\s+]*(?:or|and)[\s+]+'?\d+'?[\s+]*=[\s+]*'?\d+|'[\s+]*or[\s+]+'\w+'[\s+]*=[\s+]*'|)x"
    R"x(['\d)][\s+]*;[\s+]*(?:drop|truncate)[\s+]+table[\s+]|)x"
    R"x(\binto[\s+]+(?:out|dump)file[\s+]+'|waitfor[\s+]+delay[\s+]+'|)x"
    R"x(\b(?:pg_)?sleep\(\d+\)|\bbenchmark\(\d+," )x"
    R"x(or query matches r"(?i)\binformation_schema\.\w")x";

constexpr std::string_view kCrossSiteScripting =
    R"x(query contains ["<", "%"] and url_decode(url_decode(query)) matches )x"
    R"x(r"(?i)<(?:script|iframe|object|embed)[\s/>+]|<[a-z][^>]*[\s/+\x22']on[a-z]{3,20}[\s+]*=" )x"
    R"x(or path contains ["<", "%"] and )x"
    R"x(url_decode(url_decode(path)) matches r"(?i)<(?:script|iframe)[\s/>]")x";

}  // namespace

std::span<const BuiltinRule> builtin_rules() {
  static constexpr std::array kRules = std::to_array<BuiltinRule>({
      {"path-traversal", kPathTraversal},
      {"control-bytes", kControlBytes},
      {"scanner-paths", kScannerPaths},
      {"sql-injection", kSqlInjection},
      {"cross-site-scripting", kCrossSiteScripting},
  });
  return kRules;
}

}  // namespace cusp::edge
