#include "node/error_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cusp::node {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ErrorPage, ShowsWhatIsWrongAndWhere) {
  const std::string page =
      error_page({ErrorCode::kInvalidArgument, "no such key", "cusp.toml:3:1"});
  EXPECT_THAT(page, HasSubstr("<pre>no such key</pre>"));
  EXPECT_THAT(page, HasSubstr("cusp.toml:3:1"));
}

TEST(ErrorPage, EscapesEveryCharacterThatHtmlGivesAMeaning) {
  const std::string page = error_page(
      {ErrorCode::kInvalidArgument, "<script>alert('x' && \"y\")</script>", "<img src=x>"});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(
      page, HasSubstr("&lt;script&gt;alert(&#39;x&#39; &amp;&amp; &quot;y&quot;)&lt;/script&gt;"));
}

}  // namespace
}  // namespace cusp::node
