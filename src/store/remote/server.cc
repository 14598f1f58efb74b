#include "store/remote/server.h"

#include <sys/socket.h>

#include <pthread.h>

#include "base/limits.h"
#include "store/remote/answers.h"
#include "store/remote/codec.h"

namespace cusp::store::remote {

namespace {

// Until the peer ends, or says what is no message.
void serve(Channel& channel, Stores& stores) {
  Answers answers(stores);
  while (true) {
    const auto request = channel.receive();
    if (!request || !channel.send(answers.answer(*request))) return;
  }
}

void refuse(Channel& channel) {
  Encoder answer;
  answer(Result<>(fail(ErrorCode::kResourceExhausted,
                       "too many commands ask for the node's stores at once; end one of them")));
  // Who has gone need not be told.
  [[maybe_unused]] const auto ignored = channel.send(answer.take());
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& folder, Stores& stores) {
  CUSP_TRY(Descriptor listener, Channel::listen(folder));
  return std::unique_ptr<Server>(new Server(folder, std::move(listener), stores));
}

Server::Server(std::string folder, Descriptor listener, Stores& stores)
    : folder_(std::move(folder)),
      listener_(std::move(listener)),
      stores_(stores),
      thread_([this] { listen(); }) {
  ::pthread_setname_np(thread_.native_handle(), "cusp-stores");
}

Server::~Server() { end(); }

void Server::end() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ended_, true)) return;
  Channel::remove(folder_);
  ::shutdown(listener_, SHUT_RDWR);
  for (Peer& peer : peers_) peer.channel.shut_down();
}

void Server::listen() {
  while (auto channel = Channel::accept(listener_)) take(std::move(*channel));
}

void Server::take(Channel channel) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  std::erase_if(peers_, [](const Peer& peer) { return peer.done; });
  if (peers_.size() >= limits::kStorePeersMax) return refuse(channel);
  Peer& peer = peers_.emplace_back(std::move(channel));
  peer.thread = std::jthread([this, &peer] {
    serve(peer.channel, stores_);
    peer.channel.shut_down();
    const std::lock_guard done(mutex_);
    peer.done = true;
  });
}

}  // namespace cusp::store::remote
