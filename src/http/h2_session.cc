#include "http/h2_session.h"

#include "http/h2_connection.h"

namespace cusp::http {

io::Task<void> serve_h2(ServerContext& server, std::unique_ptr<io::Stream> stream,
                        std::string data) {
  const auto connection = std::make_shared<H2Connection>(server, std::move(stream));
  co_await connection->run(std::move(data));
}

}  // namespace cusp::http
