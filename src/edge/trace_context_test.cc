#include "edge/trace_context.h"

#include <gtest/gtest.h>

namespace cusp::edge {
namespace {

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, IsWrittenAsItWasRead) {
  const auto context = TraceContext::parse(kParent);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->traceparent(), kParent);
  EXPECT_EQ(context->trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->span_id(), "b7ad6b7169203331");
}

TEST(TraceContext, OfANewerVersionIsReadAsFarAsItIsKnown) {
  const auto context =
      TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes");
  ASSERT_TRUE(context);
  EXPECT_EQ(context->traceparent(), kParent);
}

TEST(TraceContext, RefusesWhatIsNotOne) {
  for (const std::string_view text : {
           "",
           "00",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
           "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
           "00-0af7651916cd43dd8448eb211c80319c b7ad6b7169203331-01",
           "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0x07651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       }) {
    EXPECT_FALSE(TraceContext::parse(text)) << text;
  }
}

TEST(TraceIds, GoOnWithTheCallersTraceInASpanOfTheirOwn) {
  TraceIds ids;
  http::Fields fields;
  fields.add("traceparent", kParent);
  fields.add("tracestate", "vendor=1");
  const TraceContext context = ids.begin(fields);
  EXPECT_EQ(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(context.span_id(), "b7ad6b7169203331");
  EXPECT_EQ(context.flags, 1);
  EXPECT_EQ(fields.get("traceparent"), context.traceparent());
  EXPECT_EQ(fields.get("tracestate"), "vendor=1");
}

TEST(TraceIds, BeginATraceWhereTheCallersIsNotValidOrNotOne) {
  TraceIds ids;
  http::Fields fields;
  fields.add("traceparent", kParent);
  fields.add("traceparent", kParent);
  fields.add("tracestate", "vendor=1");
  const TraceContext context = ids.begin(fields);
  EXPECT_NE(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(fields.count("traceparent"), 1u);
  EXPECT_FALSE(fields.get("tracestate"));
  EXPECT_NE(ids.begin(fields).span, context.span);
}

}  // namespace
}  // namespace cusp::edge
