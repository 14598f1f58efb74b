#include "http/h2_request.h"

#include <gtest/gtest.h>

namespace cusp::http {
namespace {

H2RequestHead head_of(std::initializer_list<std::pair<const char*, const char*>> fields) {
  H2RequestHead head(1000, 5);
  for (const auto& [name, value] : fields) EXPECT_TRUE(head.add(name, value));
  return head;
}

uint16_t refusal(H2RequestHead head) {
  const auto request = head.finish(false);
  return request ? 0 : request.error().status;
}

TEST(H2RequestHead, PseudoFieldsBecomeTheRequestsMembers) {
  auto head = head_of({{":method", "PUT"},
                       {":scheme", "https"},
                       {":path", "/a?b"},
                       {":authority", "a.test:8"},
                       {"accept", "*/*"}});
  const auto request = head.finish(true);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "PUT");
  EXPECT_EQ(request->scheme, "https");
  EXPECT_EQ(request->target, "/a?b");
  EXPECT_EQ(request->authority, "a.test:8");
  EXPECT_EQ(request->fields.get("host"), "a.test:8");
  EXPECT_EQ(request->fields.get("accept"), "*/*");
  EXPECT_EQ(request->fields.size(), 2u);
  EXPECT_EQ(request->version, Version::kHttp2);
}

TEST(H2RequestHead, TheSchemeIsTheConnectionsWhateverTheClientSays) {
  auto head = head_of({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a"}});
  EXPECT_EQ(head.finish(false)->scheme, "http");
}

TEST(H2RequestHead, HostStandsInForTheAuthority) {
  auto head = head_of({{":method", "GET"}, {":path", "/"}, {"host", "b.test"}});
  EXPECT_EQ(head.finish(false)->authority, "b.test");
}

TEST(H2RequestHead, CookieCrumbsAreJoined) {
  auto head = head_of({{":method", "GET"},
                       {":path", "/"},
                       {"cookie", "a=1"},
                       {"host", "a"},
                       {"cookie", "b=2"},
                       {"cookie", "c=3"}});
  const auto request = head.finish(false);
  EXPECT_EQ(request->fields.count("cookie"), 1u);
  EXPECT_EQ(request->fields.get("cookie"), "a=1; b=2; c=3");
}

TEST(H2RequestHead, FieldsOfTheHopAreTakenOut) {
  auto head = head_of({{":method", "POST"},
                       {":path", "/"},
                       {":authority", "a"},
                       {"te", "trailers"},
                       {"expect", "100-continue"},
                       {"content-length", "12"}});
  EXPECT_TRUE(head.expects_continue());
  EXPECT_EQ(head.content_length(), 12u);
  const auto request = head.finish(false);
  EXPECT_FALSE(request->fields.get("te"));
  EXPECT_FALSE(request->fields.get("expect"));
  EXPECT_EQ(request->fields.get("content-length"), "12");
}

TEST(H2RequestHead, AnAuthorityAndAHostThatDifferAreRefused) {
  EXPECT_EQ(
      refusal(head_of({{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"host", "b"}})),
      400);
}

TEST(H2RequestHead, HostTwiceIsRefusedEvenWhenItIsTheSame) {
  EXPECT_EQ(refusal(head_of({{":method", "GET"}, {":path", "/"}, {"host", "a"}, {"host", "a"}})),
            400);
}

TEST(H2RequestHead, NoAuthorityAtAllIsRefused) {
  EXPECT_EQ(refusal(head_of({{":method", "GET"}, {":path", "/"}})), 400);
}

TEST(H2RequestHead, ConnectIsNotServed) {
  EXPECT_EQ(refusal(head_of({{":method", "CONNECT"}, {":authority", "a:1"}})), 501);
}

TEST(H2RequestHead, TooManyFieldsAreRefused) {
  auto head = head_of({{":method", "GET"}, {":path", "/"}, {":authority", "a"}});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(head.add("x", "y"));
  EXPECT_EQ(refusal(std::move(head)), 431);
}

TEST(H2RequestHead, AHeadOverTheLimitIsRefusedAndFarOverItGivenUp) {
  auto head = head_of({{":method", "GET"}, {":path", "/"}, {":authority", "a"}});
  EXPECT_TRUE(head.add("x", std::string(1000, 'y')));
  EXPECT_FALSE(head.add("x", std::string(3000, 'y')));
  EXPECT_EQ(refusal(std::move(head)), 431);
}

TEST(H2RequestHead, ATargetOverTheLimitIsRefused) {
  H2RequestHead head(1 << 20, 5);
  head.add(":method", "GET");
  head.add(":authority", "a");
  head.add(":path", "/" + std::string(limits::kTargetBytesMax, 'a'));
  EXPECT_EQ(refusal(std::move(head)), 414);
}

}  // namespace
}  // namespace cusp::http
