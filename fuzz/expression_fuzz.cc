#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "edge/expression/expression.h"
#include "io/asio.h"

// The input is an expression, a zero byte, and a request's target, header field and address, one on
// a line. Whatever parses can be tested.
namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cusp;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = std::min(input.find('\0'), input.size());
  const auto expression = edge::Expression::parse(input.substr(0, zero));
  if (!expression) {
    CUSP_ASSERT(expression.error().message.ends_with(" of the expression"));
    return 0;
  }
  input.remove_prefix(std::min(zero + 1, input.size()));
  static io::asio::io_context loop;
  static const auto client = http::make_client(loop.get_executor());
  edge::ShardContext shard{.executor = loop.get_executor(), .client = *client};
  http::Request request{.method = "GET", .scheme = "http", .authority = "localhost"};
  request.target = "/" + std::string(take_line(input));
  const std::string_view field = take_line(input);
  for (const char* name : {"cookie", "user-agent"}) request.fields.try_add(name, field);
  edge::Exchange exchange(request, shard);
  exchange.client.address = take_line(input);
  const std::string value = expression->value(exchange);
  CUSP_ASSERT(!expression->is_condition() || expression->test(exchange) == (value == "true"));
  return 0;
}
