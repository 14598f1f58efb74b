#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "store/remote/channel.h"

namespace cusp::store {
class Stores;
}

namespace cusp::store::remote {

// Answers other processes of this machine for the stores that this one has open. A thread for each
// of them, limits::kStorePeersMax at most: they are an operator's commands.
class Server {
 public:
  // `stores` outlives it, and may still be making ready. Errors: those of Channel::listen.
  static Result<std::unique_ptr<Server>> start(const std::string& folder, Stores& stores);
  // After end().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes nothing more: what is under way ends soon if the stores are closed, too.
  void end();

 private:
  struct Peer {
    explicit Peer(Channel opened) : channel(std::move(opened)) {}

    Channel channel;
    bool done = false;    // guarded by the server's mutex
    std::jthread thread;  // last: it uses the rest
  };

  Server(std::string folder, Descriptor listener, Stores& stores);
  void listen();
  void take(Channel channel);

  const std::string folder_;
  const Descriptor listener_;
  Stores& stores_;
  std::mutex mutex_;
  bool ended_ = false;
  std::list<Peer> peers_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace cusp::store::remote
