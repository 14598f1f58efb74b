#include "http/h1_session.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/h1_test_client.h"

namespace cusp::http {
namespace {

using namespace testing;
using std::string;

io::Task<Response> echo(Request& request) {
  Response response;
  response.body = std::move(request.body);
  co_return response;
}

// A body in given parts, each after a turn of the loop; an empty list of parts fails at once.
class PartsBody final : public Body {
 public:
  PartsBody(io::Executor executor, std::vector<string> parts, bool fails)
      : executor_(executor), parts_(std::move(parts)), fails_(fails) {}

  io::Task<Result<BodyPart>> read() override {
    co_await io::asio::post(executor_, io::use_task);
    if (at_ == parts_.size()) {
      if (fails_) co_return fail(ErrorCode::kUnavailable, "the producer failed");
      BodyPart last{.end = true, .trailers = Fields()};
      last.trailers->add("x-sum", "7");
      co_return last;
    }
    co_return BodyPart{.data = parts_[at_++]};
  }
  bool ready() override { return false; }

 private:
  io::Executor executor_;
  std::vector<string> parts_;
  size_t at_ = 0;
  bool fails_;
};

TestServer::Respond parts(std::vector<string> parts, bool fails) {
  return [parts, fails](Request&) -> io::Task<Response> {
    const io::Executor executor = co_await io::asio::this_coro::executor;
    Response response;
    response.body = std::make_unique<PartsBody>(executor, parts, fails);
    co_return response;
  };
}

TEST(H1Session, AConnectionServesRequestAfterRequest) {
  TestServer server(hello);
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    const string answer = client.read_until("hello");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("content-length: 5\r\n"), string::npos) << answer;
    EXPECT_EQ(occurrences(answer, "\r\ndate: "), 1u);
  }
}

TEST(H1Session, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server(
      [](Request& request) -> io::Task<Response> { co_return text_response(200, request.target); });
  RawClient client(server.port());
  string requests;
  for (int i = 0; i < 300; ++i) {
    requests += "GET /" + std::to_string(i) + "; HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  client.send(requests + "GET /end HTTP/1.0\r\n\r\n");
  const string answers = client.read_all();
  size_t at = 0;
  for (int i = 0; i < 300; ++i) {
    at = answers.find("\r\n\r\n/" + std::to_string(i) + ";", at);
    ASSERT_NE(at, string::npos) << i;
  }
  EXPECT_TRUE(answers.ends_with("/end"));
}

TEST(H1Session, ARequestMayComeByteByByte) {
  TestServer server(measure);
  RawClient client(server.port());
  for (const char c : string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3\r\nabc\r\n0\r\n\r\n")) {
    client.send(std::string_view(&c, 1));
  }
  EXPECT_TRUE(client.read_until("\r\n\r\n3").ends_with("\r\n\r\n3"));
}

TEST(H1Session, AMalformedRequestIsAnsweredAndTheConnectionCloses) {
  TestServer server(hello);
  for (const auto& [request, status] : std::vector<std::pair<string, string>>{
           {"GET / HTTP/1.1\r\n\r\n", "400"},
           {"GET / HTTP/1.1\nHost: a\n\n", "400"},
           {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
           {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
           {"GET /" + string(20'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", "414"},
           {"GET / HTTP/1.1\r\nHost: a\r\nX: " + string(70'000, 'a') + "\r\n\r\n", "431"},
           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", "413"}}) {
    RawClient client(server.port());
    client.send(request + string(kGet));
    const string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << answer;
    EXPECT_EQ(occurrences(answer, "HTTP/1.1 "), 1u) << "what follows is not a request";
    EXPECT_NE(answer.find("connection: close\r\n"), string::npos);
    EXPECT_TRUE(client.closed());
  }
}

TEST(H1Session, HeadGetsTheLengthAndNoBody) {
  TestServer server(hello);
  RawClient client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const string answer = client.read_all();
  EXPECT_NE(answer.find("content-length: 5\r\n"), string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(H1Session, AStreamedResponseIsChunkedWithItsTrailers) {
  TestServer server(parts({"ab", "c"}, false));
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const string answer = client.read_all();
  EXPECT_NE(answer.find("transfer-encoding: chunked\r\n"), string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx-sum: 7\r\n\r\n")) << answer;
}

TEST(H1Session, AStreamedResponseToHttp10EndsWithTheConnection) {
  TestServer server(parts({"ab", "c"}, false));
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const string answer = client.read_all();
  EXPECT_EQ(answer.find("transfer-encoding"), string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nabc")) << answer;
}

TEST(H1Session, ABodyThatFailsMidwayNeverLooksComplete) {
  TestServer server(parts({"ab"}, true));
  RawClient client(server.port());
  client.send(kGet);
  const string answer = client.read_all();
  EXPECT_NE(answer.find("2\r\nab\r\n"), string::npos) << answer;
  EXPECT_EQ(answer.find("0\r\n\r\n"), string::npos) << answer;
}

TEST(H1Session, ABodyThatIsShorterThanItsContentLengthCutsTheConnection) {
  TestServer server([](Request&) -> io::Task<Response> {
    Response response = text_response(200, "short");
    response.fields.add("content-length", "10");
    co_return response;
  });
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_EQ(client.read_all().find("HTTP/1.1 200 OK\r\n\r\n"), string::npos);
}

TEST(H1Session, ALargeBodyIsEchoedInBothFramings) {
  TestServer server(echo);
  const string data(3'000'000, 'x');
  {
    RawClient client(server.port());
    std::thread sender([&] {
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n");
      client.send(data);
    });
    const string answer = client.read_all();
    sender.join();
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + data)) << answer.substr(0, 200);
  }
  RawClient client(server.port());
  std::thread sender([&] {
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("2dc6c0\r\n" + data + "\r\n0\r\n\r\n");
  });
  const string answer = client.read_all();
  sender.join();
  EXPECT_EQ(occurrences(answer, "x"), data.size());
  EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
}

TEST(H1Session, ContinueIsSaidWhenTheBodyIsWanted) {
  TestServer server(measure);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(client.read_until("\r\n\r\n3").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(H1Session, ContinueIsNotSaidWhenTheBodyIsNotWanted) {
  TestServer server(hello);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(client.closed()) << "whether the body follows is not known";
}

TEST(H1Session, ASmallBodyThatNobodyReadIsSkipped) {
  TestServer server(hello);
  RawClient client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
  client.read_until("hello");
  client.send(kGet);
  EXPECT_TRUE(client.read_until("hello").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(H1Session, AnAnswerBeforeALargeBodyReachesItsClient) {
  TestServer server(hello);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
  client.send(string(100'000, 'x'));
  EXPECT_NE(client.read_all().find("hello"), string::npos);
}

}  // namespace
}  // namespace cusp::http
