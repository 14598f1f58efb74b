#include "edge/features/rules_builtin.h"

#include <array>

namespace cusp::edge {

namespace {

// ".." as a segment, also in the overlong UTF-8 that lax servers read as dots, and with the
// parameters that Java servers cut off; in a query, only when it climbs twice.
constexpr std::string_view kPathTraversal =
    R"x(url_decode(url_decode(path)) matches )x"
    R"x(r"(?:^|[/\\])(?:\.|\xc0\xae|\xe0\x80\xae){2}(?:[/\\;]|$)" )x"
    R"x(or url_decode(url_decode(query)) matches r"(?:\.\.[/\\]){2}")x";

// A path holds no control byte at all; a query may hold line breaks and tabs, as forms do.
constexpr std::string_view kControlBytes =
    R"x(url_decode(path) matches r"[\x00-\x1f\x7f]" )x"
    R"x(or url_decode(query) matches r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")x";

// What scanners try everywhere and no site links to.
constexpr std::string_view kScannerPaths =
    R"x(lower(url_decode(path)) matches )x"
    R"x(r"/\.(?:git|svn|hg|aws|ssh|ds_store|htaccess|htpasswd|npmrc|dockercfg)(?:/|$)" )x"
    R"x(or lower(url_decode(path)) matches r"/\.env(?:\.[a-z]+)?$|/wp-config\.php(?:\.\w+)?~?$" )x"
    R"x(or lower(url_decode(path)) matches )x"
    R"x(r"/vendor/phpunit/|/_ignition/execute-solution|/boaform/|^/hnap1|)x"
    R"x(/cgi-bin/.*(?:sh|php|luci)\b" )x"
    R"x(or lower(url_decode(path)) matches r"^/(?:actuator/(?:env|heapdump|gateway)|solr/admin/|)x"
    R"x(manager/html$|telescope/requests|debug/pprof)")x";

// A form writes a space as "+".
constexpr std::string_view kSqlInjection =
    R"x(lower(url_decode(url_decode(query))) matches )x"
    R"x(r"union[\s+]+(?:all[\s+]+)?select[\s+]+(?:null|\d+)[\s+]*(?:,|--|#|from\b|$)" )x"
    R"x(or lower(url_decode(url_decode(query))) matches )x"
    R"x(r"'[\s+]*(?:or|and)[\s+]+'?\d+'?[\s+]*=[\s+]*'?\d+|'[\s+]*or[\s+]+'(\w+)'[\s+]*=[\s+]*'" )x"
    R"x(or lower(url_decode(url_decode(query))) matches )x"
    R"x(r"['\d)][\s+]*;[\s+]*(?:drop|truncate)[\s+]+table[\s+]|)x"
    R"x(\binto[\s+]+(?:out|dump)file[\s+]+'" )x"
    R"x(or lower(url_decode(url_decode(query))) matches )x"
    R"x(r"\binformation_schema\.\w|\b(?:pg_)?sleep\(\d+\)|\bbenchmark\(\d+,|)x"
    R"x(waitfor[\s+]+delay[\s+]+'")x";

constexpr std::string_view kCrossSiteScripting =
    R"x(lower(url_decode(url_decode(query))) matches r"<(?:script|iframe|object|embed)[\s/>+]" )x"
    R"x(or lower(url_decode(url_decode(query))) matches )x"
    R"x(r"<[a-z][^>]*[\s/+\x22']on[a-z]{3,20}[\s+]*=" )x"
    R"x(or lower(url_decode(url_decode(path))) matches r"<(?:script|iframe)[\s/>]")x";

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
