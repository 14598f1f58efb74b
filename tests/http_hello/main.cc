// A bare HTTP server on one shard: what h2spec, h2load and wrk are pointed at, so that the protocol
// code is tested and measured without an engine behind it. A request with a body gets that body
// back, anything else gets "hello".
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"
#include "io/shard.h"
#include "io/tls.h"

namespace {

using namespace cusp;

class Hello final : public http::Handler {
 public:
  io::Task<http::Response> respond(http::Request& request) override {
    if (!request.body) co_return http::text_response(200, "hello\n");
    http::Response response;
    response.body = std::move(request.body);
    co_return response;
  }
};

int usage() {
  std::fputs("usage: http_hello [--port PORT] [--tls DIRECTORY]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  http::ServerOptions options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return usage();
    if (flag == "--port") {
      options.port = static_cast<uint16_t>(std::atoi(argv[i + 1]));
    } else if (flag == "--tls") {
      auto certificate = io::make_self_signed_certificate(argv[i + 1]);
      if (!certificate) return std::fprintf(stderr, "%s\n", certificate.error().message.c_str()), 1;
      auto context = io::make_tls_server_context({*certificate});
      if (!context) return std::fprintf(stderr, "%s\n", context.error().message.c_str()), 1;
      options.tls = *context;
    } else {
      return usage();
    }
  }

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  Hello hello;
  io::Shard shard(0);
  std::unique_ptr<http::Server> server;
  shard.run([&] {
    auto made = http::make_server(shard.executor(), options, hello);
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().message.c_str());
      std::exit(1);
    }
    server = std::move(*made);
    std::printf("listening on port %u\n", server->port());
    std::fflush(stdout);
  });
  int signal = 0;
  sigwait(&ends, &signal);
  shard.run([&] { server.reset(); });
}
