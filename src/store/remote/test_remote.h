#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "store/remote/channel.h"
#include "store/remote/client.h"
#include "store/remote/codec.h"
#include "store/stores.h"
#include "store/test_loop.h"

namespace cusp::store::remote {

// The stores that one process has open, and what another one sees of them.
class RemoteStores : public ::testing::Test {
 protected:
  RemoteStores() {
    EXPECT_TRUE(stores->key_values());
    auto connected = Client::connect(directory);
    EXPECT_TRUE(connected) << connected.error().to_string();
    client = std::move(*connected);
  }

  Result<sql::Rows> execute(sql::Session& session, const std::string& text) {
    return loop.run(session.execute({.text = text}));
  }
  // The answer's message to a request of these bytes.
  std::string answer(const std::string& request) {
    auto channel = Channel::connect(directory);
    EXPECT_TRUE(channel && channel->send(request));
    const auto bytes = channel->receive();
    if (!bytes) return bytes.error().message;
    Result<> result;
    Decoder decoder(*bytes);
    decoder(result);
    return !decoder.good() ? "malformed" : result ? "done" : result.error().message;
  }

  testing::Folder folder;
  testing::Loop loop;
  // Longer than the path of a socket may be.
  const std::string directory = folder.path() + "/" + std::string(150, 'd');
  io::BlockingPool pool{2};
  std::unique_ptr<Stores> stores = std::make_unique<Stores>(directory, pool);
  std::shared_ptr<Client> client;
};

// A message, with `rest` in place of the arguments.
inline std::string request(uint64_t version, Operation operation, const std::string& rest = {}) {
  Encoder encoder;
  encoder(version, operation, std::string("app"), std::string("s"), uint64_t{1});
  return encoder.take() + rest;
}

}  // namespace cusp::store::remote
