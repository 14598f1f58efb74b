#include "app/spin_headers.h"

#include <gtest/gtest.h>

#include <map>

namespace cusp::app {
namespace {

std::map<std::string, std::string> headers_for(const std::string& pattern, std::string_view path,
                                               std::string_view target) {
  std::vector<Route> routes{{.pattern = pattern, .component = "c"}};
  auto router = Router::create(routes);
  auto match = router->match(path);
  if (!match) return {};
  std::map<std::string, std::string> result;
  for (auto& [name, value] :
       spin_headers(*match, "https", "shop.example:8443", target, "192.0.2.7:51034")) {
    result.emplace(name, value);
  }
  return result;
}

using Headers = std::map<std::string, std::string>;

TEST(SpinHeaders, AWildcardRouteGivesEveryHeaderAsSpinDoes) {
  EXPECT_EQ(headers_for("/api/...", "/api/v1/x", "/api/v1/x?q=1"),
            (Headers{{"spin-path-info", "/v1/x"},
                     {"spin-full-url", "https://shop.example:8443/api/v1/x?q=1"},
                     {"spin-matched-route", "/api/..."},
                     {"spin-base-path", "/"},
                     {"spin-raw-component-route", "/api/..."},
                     {"spin-component-route", "/api"},
                     {"spin-client-addr", "192.0.2.7:51034"}}));
}

TEST(SpinHeaders, ParametersBecomeHeadersOfTheirOwn) {
  auto headers = headers_for("/users/:user_ID", "/users/42", "/users/42");
  EXPECT_EQ(headers["spin-path-match-user-id"], "42");
  EXPECT_EQ(headers["spin-path-info"], "");
  EXPECT_EQ(headers["spin-component-route"], "/users/:user_ID");
}

TEST(SpinHeaders, MatchedRoutesHaveALeadingAndNoTrailingSlash) {
  EXPECT_EQ(headers_for("/", "/", "/")["spin-matched-route"], "");
  EXPECT_EQ(headers_for("/", "/", "/")["spin-raw-component-route"], "/");
  EXPECT_EQ(headers_for("foo/", "/foo", "/foo")["spin-matched-route"], "/foo");
  EXPECT_EQ(headers_for("/...", "/x", "/x")["spin-component-route"], "");
}

TEST(SpinHeaders, WagiGetsTheSameValuesAsVariables) {
  std::vector<Route> routes{{.pattern = "/f/:file_name", .component = "c"}};
  auto router = Router::create(routes);
  auto match = router->match("/f/x");
  ASSERT_TRUE(match);
  auto variables = wagi_variables(*match, "http", "localhost", "/f/x", "[::1]:9");
  Headers by_name(variables.begin(), variables.end());
  EXPECT_EQ(by_name["X_FULL_URL"], "http://localhost/f/x");
  EXPECT_EQ(by_name["PATH_INFO"], "");
  EXPECT_EQ(by_name["X_MATCHED_ROUTE"], "/f/:file_name");
  EXPECT_EQ(by_name["X_PATH_MATCH_FILE_NAME"], "x");
  EXPECT_EQ(by_name["X_CLIENT_ADDR"], "[::1]:9");
}

TEST(SpinHeaders, AClientsOwnSpinHeadersAreRecognisedInAnyCase) {
  for (std::string_view name :
       {"spin-full-url", "Spin-Client-Addr", "SPIN-PATH-MATCH-ID", "spin-path-match-"}) {
    EXPECT_TRUE(is_spin_header(name)) << name;
  }
  for (std::string_view name :
       {"", "spin", "spin-", "spin-path", "x-spin-full-url", "spin-full-urls", "accept"}) {
    EXPECT_FALSE(is_spin_header(name)) << name;
  }
}

}  // namespace
}  // namespace cusp::app
