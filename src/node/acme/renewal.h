#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "io/tls.h"
#include "node/acme/client.h"
#include "node/challenges.h"

namespace cusp::node::acme {

// Where the certificate of a domain is kept below the state folder, its key in the same file: what
// stands there is replaced in one step.
io::TlsCertificate files_of(const std::string& state_directory, const Options& options,
                            const std::string& domain);

// When a certificate is due for renewal: at two thirds of its time, and up to a hundredth of it
// later, so that a fleet does not ask all at once. `jitter` is between 0 and 1.
io::Certificate::Time renewal_time(const io::Certificate& certificate, double jitter);

// Gets a certificate for each domain and renews it, on a thread of its own, from when it is made.
// What goes wrong is logged with what the authority said and tried again after a minute, then after
// twice as long, up to a day; another challenge has its turn each time.
class Renewal {
 public:
  // `listeners` show proofs of TLS-ALPN-01, `challenges` (outlives it) those of HTTP-01. `renewed`
  // is called on the thread after a new certificate has been written. Errors: those of the
  // account's key and its folder.
  static Result<std::unique_ptr<Renewal>> start(
      Options options, const std::string& state_directory, Challenges& challenges,
      std::vector<std::shared_ptr<io::TlsServerContext>> listeners, std::function<void()> renewed);
  // Gives up what is under way.
  ~Renewal() = default;
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;

 private:
  class ListenerProver;
  struct Domain {
    std::string name;
    io::TlsCertificate files;
    io::Certificate::Time next;
    int failures = 0;
  };

  Renewal(Options options, AccountKey key, std::unique_ptr<Prover> prover,
          std::function<void()> renewed);
  void run(std::stop_token stop);
  void plan(Domain& domain);
  // What came of it, for the log.
  Result<std::string> renew(const Domain& domain, std::stop_token stop);

  const Options options_;
  const AccountKey key_;
  const std::unique_ptr<Prover> prover_;
  const std::function<void()> renewed_;
  std::vector<Domain> domains_;  // of the thread
  std::jthread thread_;          // last: it uses the others
};

}  // namespace cusp::node::acme
