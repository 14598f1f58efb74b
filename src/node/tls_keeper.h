#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "io/tls.h"
#include "node/ocsp.h"
#include "node/watched_certificate.h"

namespace cusp::node {

// What one listener says about TLS.
struct TlsSetup {
  std::vector<io::TlsCertificate> certificates;
  io::ClientCertificates clients = io::ClientCertificates::kNone;
  std::string client_ca;                   // a PEM file
  std::vector<io::TlsCertificate> issued;  // that ACME makes and that need not be there yet
};

// The certificates of a node's listeners: read from files, read again when they change, stapled
// with what their authorities say of them (OCSP), and swapped under the running listeners. It has a
// thread of its own. Thread-safe.
class TlsKeeper {
 public:
  // Every certificate and the authorities for clients are there and can be used. Errors: those of
  // io::Certificate::load and of TlsServerContext::use.
  static Result<std::unique_ptr<TlsKeeper>> create(const std::vector<TlsSetup>& listeners);
  ~TlsKeeper();
  TlsKeeper(const TlsKeeper&) = delete;
  TlsKeeper& operator=(const TlsKeeper&) = delete;

  // In the order of `listeners`; null: that one is in clear text.
  std::shared_ptr<io::TlsServerContext> context(size_t index) const;
  std::vector<std::shared_ptr<io::TlsServerContext>> contexts() const;

  // Reads all files now. What cannot be used is logged, and what was used before stays.
  void refresh();

 private:
  struct Listener {
    std::shared_ptr<io::TlsServerContext> context;  // shared with the shards' servers
    std::vector<WatchedCertificate> certificates;
    std::string client_ca_file;  // empty: clients are not asked
    std::string client_ca_pem;
    FileWatch client_ca_watch;
  };

  TlsKeeper() = default;
  static Result<> add(TlsKeeper& keeper, const TlsSetup& setup);
  void run(std::stop_token stop);
  void look(bool now);
  bool read_client_ca(Listener& listener, bool now);
  Result<> present(Listener& listener);
  void staple(std::stop_token stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Listener> listeners_;
  // One for each certificate in use, by that certificate.
  std::map<const io::Certificate*, std::unique_ptr<OcspStaple>> staples_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace cusp::node
