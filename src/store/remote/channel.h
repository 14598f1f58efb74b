#pragma once

#include <cstdint>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"

// How another process of this machine reaches the stores that one process has open: a Unix socket
// in their folder, which who may open their files may use too. Both sides send messages behind
// their length (4 bytes, little endian): a request, its answer, the next request. They are read by
// the codec.
namespace cusp::store::remote {

// A request begins with this, an Operation, an app's name, a store's, and a number that the peer
// gives each of its sessions; then come the arguments. The answer is a Result.
inline constexpr uint64_t kProtocolVersion = 2;

enum class Operation : uint8_t {
  kStores,      // () -> std::vector<kv::StoreName>
  kGet,         // (std::string key) -> std::optional<kv::Entry>
  kList,        // (kv::ListOptions) -> kv::Page
  kWrite,       // (kv::Write) -> kv::Written
  kExecute,     // (sql::Statement) -> std::pair<sql::Rows, bool in_transaction>
  kDescribe,    // (std::string text) -> sql::Description
  kMigrate,     // (std::vector<sql::Migration>) -> size_t
  kEndSession,  // () -> void
  kSnapshot,    // () -> std::string path
  // See object::Session.
  kObjectBuckets,  // () -> std::vector<kv::StoreName>
  kObjectBegin,    // () -> void
  kObjectAppend,   // (std::string bytes) -> void
  kObjectPut,      // (std::string key, object::FieldList) -> void
  kObjectOpen,     // (std::string key) -> bool
  kObjectRead,     // (uint64_t offset, uint64_t most) -> std::string
  kObjectRemove,   // (std::string key) -> void
  kObjectList,     // (object::ListOptions) -> object::Listing
  kLast = kObjectList,
};

// One end of a connection. Blocks. Used by one thread; another one may end it with shut_down().
class Channel {
 public:
  explicit Channel(Descriptor socket);

  // Listens in that folder, instead of who did before. Errors: kUnavailable.
  static Result<Descriptor> listen(const std::string& folder);
  // The next one that comes and is of this user, or root's. Errors: kUnavailable, `listener` was
  // shut down.
  static Result<Channel> accept(int listener);
  // Errors: kNotFound (nobody listens there), kPermissionDenied.
  static Result<Channel> connect(const std::string& folder);
  // What listen() has made.
  static void remove(const std::string& folder);

  // Waits for a message to begin for as long as it takes, for its rest limits::kStorePeerTimeout.
  // Errors: kCancelled (the peer has ended between two messages), kUnavailable, kResourceExhausted
  // (it says to be longer than limits::kStoreMessageBytesMax).
  Result<std::string> receive();
  // Errors: kUnavailable (the peer has ended or takes nothing), kResourceExhausted.
  Result<> send(const std::string& message);
  void shut_down();

 private:
  Descriptor socket_;
};

}  // namespace cusp::store::remote
