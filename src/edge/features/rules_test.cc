#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

TEST(Rules, TheFirstThatBlocksOrAllowsDecides) {
  TestEdge edge(R"(
[[edge.rules]]
name = "seen"
when = 'path starts_with "/admin"'
action = "log"
[[edge.rules]]
when = 'path starts_with "/admin" and ip in ["192.0.2.0/24"]'
action = "allow"
[[edge.rules]]
name = "admin"
when = 'path starts_with "/admin"'
status = 404
[[edge.rules]]
when = 'method in ["PUT", "DELETE"] or header["user-agent"] == ""'
)");
  const std::pair<std::string, std::string> kAgent = {"user-agent", "test"};
  EXPECT_EQ(edge.get("/", {kAgent}).status, 200);
  EXPECT_EQ(edge.get("/").status, 403);
  EXPECT_EQ(edge.get("/admin", {kAgent}, "192.0.2.7").status, 200);
  EXPECT_EQ(edge.get("/admin", {}, "192.0.2.7").status, 200) << "what follows 'allow' is left out";
  EXPECT_EQ(edge.get("/admin", {kAgent}, "198.51.100.7").status, 404);
  EXPECT_EQ(edge.fetches(), 3u);
}

TEST(Rules, SayWhichOneItWas) {
  TestEdge edge(
      "[[edge.rules]]\nname = \"no-bots\"\nwhen = 'header[\"user-agent\"] contains \"bot\"'");
  http::Request request{
      .method = "GET", .scheme = "https", .authority = "shop.example", .target = "/"};
  request.fields.add("user-agent", "bot");
  TestConnection connection("192.0.2.1");
  request.connection = &connection;
  const Trail trail = edge.run(edge.pipeline().explain(request));
  ASSERT_FALSE(trail.steps.empty());
  EXPECT_EQ(trail.steps.back().feature, "rules");
  EXPECT_EQ(trail.steps.back().verdict, "answers 403: blocked by rule 'no-bots'");
}

// The status that a target meets with one built-in rule.
uint16_t status_with(std::string_view rule, std::string target) {
  TestEdge edge(fmt::format("[[edge.rules]]\nbuiltin = [\"{}\"]", rule));
  return edge.get(std::move(target)).status;
}

TEST(Rules, BuiltInOnesBlockAttacks) {
  const std::pair<const char*, std::vector<std::string>> kAttacks[] = {
      {"path-traversal",
       {"/../etc/passwd", "/a/..", "/%2e%2e/x", "/a/.%2e/x", "/%252e%252e%252fx", "/..%5cx",
        "/a\\..\\x", "/..;/manager", "/%c0%ae%c0%ae/x", "/x?file=../../etc/passwd",
        "/x?file=%2e%2e%2f%2e%2e%2fetc", "/x?file=..%5c..%5cboot.ini"}},
      {"control-bytes",
       {"/a%00.png", "/a%0d%0aset-cookie:x", "/%09", "/%7f", "/x?a=%00", "/x?a=%1b[2J"}},
      {"scanner-paths",
       {"/.git/config", "/a/.git/HEAD", "/.svn/entries", "/.env", "/.env.local", "/.ENV", "/%2eenv",
        "/.aws/credentials", "/.htpasswd", "/.DS_Store", "/wp-config.php", "/wp-config.php.bak",
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/actuator/heapdump",
        "/solr/admin/cores", "/HNAP1/", "/cgi-bin/luci", "/_ignition/execute-solution",
        "/boaform/admin/formLogin"}},
      {"sql-injection",
       {"/?id=1%20union%20select%201,2,3", "/?id=1+UNION+ALL+SELECT+NULL,NULL--",
        "/?id=1'%20or%20'1'='1", "/?u=admin'+or+1=1--", "/?id=1'%2bor%2b1=1",
        "/?id=1;drop%20table%20users", "/?id=1%2520union%2520select%25201--",
        "/?q=x'%20and%20sleep(5)", "/?q=benchmark(1000000,md5(1))", "/?q=information_schema.tables",
        "/?q=1%20into%20outfile%20'/x'", "/?q=';waitfor%20delay%20'0:0:5'--"}},
      {"cross-site-scripting",
       {"/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/?q=<ScRiPt%20src=//x>", "/?q=%253Cscript%253E",
        "/?q=%3Cimg+src=x+onerror=alert(1)%3E", "/?q=<svg/onload=alert(1)>",
        "/?q=%3Ciframe%20src=x%3E", "/%3Cscript%3E"}},
  };
  for (const auto& [rule, targets] : kAttacks) {
    for (const auto& target : targets) EXPECT_EQ(status_with(rule, target), 403) << target;
  }
}

TEST(Rules, BuiltInOnesLetPeoplePass) {
  TestEdge edge("[[edge.rules]]\nbuiltin = true");
  for (const char* target : {"/",
                             "/a/b.html?x=1&y=2",
                             "/...",
                             "/a..b/c",
                             "/.well-known/acme-challenge/x",
                             "/environment",
                             "/git/config",
                             "/docs/.env-files",
                             "/a%20b/%C3%A4%C3%B6",
                             "/%E4%F6",
                             "/?q=trade+union+select+committee",
                             "/?q=select+a+table",
                             "/?q=union%20select%205%20members",
                             "/?q=it's+1+or+2",
                             "/?name=O'Neil%20and%20sons",
                             "/?q=drop+table+tennis",
                             "/?q=sleep+well",
                             "/?q=a<b&c>d",
                             "/?q=1+<+2",
                             "/?q=scripture",
                             "/?q=x+onward=y",
                             "/?note=line%0d%0abreak%09tab",
                             "/?next=../home",
                             "/?q=%25",
                             "/%",
                             "/?%",
                             "/?redirect=https%3A%2F%2Fexample.com%2F%3Fa%3Db",
                             "/?q=100%25+union",
                             "/wp-login.php",
                             "/xmlrpc.php",
                             "/cgi-bin/",
                             "/actuator/health"}) {
    EXPECT_EQ(edge.get(target).status, 200) << target;
  }
}

TEST(Rules, BuiltInOnesTakeAnActionToo) {
  TestEdge edge("[[edge.rules]]\nbuiltin = [\"scanner-paths\"]\naction = \"log\"");
  EXPECT_EQ(edge.get("/.git/config").status, 200);
}

TEST(Rules, NothingIsReflected) {
  TestEdge edge("[[edge.rules]]\nbuiltin = true");
  auto response = edge.get("/?q=<script>alert(1)</script>", {{"user-agent", "<script>"}});
  EXPECT_EQ(edge.text(response), "Forbidden\n");
}

TEST(Rules, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"name = \"x\"", "a rule needs 'when', or 'builtin'"},
      {"when = 'path = \"/\"'",
       "'when': '=' compares nothing; write '==' at column 6 of the expression"},
      {"when = 'path'", "expected a condition"},
      {"when = 5", "must be a string"},
      {"when = 'tls'\naction = \"puzzle\"", "none of block, challenge, log and allow"},
      {"when = 'tls'\nstatus = 200", "between 400 and 599"},
      {"builtin = [\"path-traversl\"]", "did you mean 'path-traversal'"},
      {"builtin = \"all\"", "must be an array"},
      {"builtin = true\nwhen = 'tls'", "unknown key 'when'"},
      {"wen = 'tls'", "did you mean 'when'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(fmt::format("[[edge.rules]]\n{}", text));
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:")) << problem;
  }
  EXPECT_TRUE(problem_of("[[edge.rules]]\nwhen = 'path = \"/\"'").starts_with("cusp.toml:3:8: "));
}

}  // namespace
}  // namespace cusp::edge
