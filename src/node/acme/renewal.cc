#include "node/acme/renewal.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "base/file.h"
#include "base/log.h"
#include "node/acme/csr.h"
#include "node/digest.h"

namespace cusp::node::acme {

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds kPauseMin{60};
constexpr seconds kPauseMax{24 * 60 * 60};
constexpr seconds kNapMax{60};  // the wall clock may be set

// One for each authority: accounts and certificates of a test are not those of the real thing.
fs::path folder_of(const std::string& state_directory, const Options& options) {
  return fs::path(state_directory) / "acme" / sha256_hex({options.directory}).substr(0, 16);
}

double random_fraction() {
  std::random_device random;
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// Somewhere between half of it and the whole.
seconds pause_after(int failures) {
  seconds pause = kPauseMin;
  for (int i = 1; i < failures && pause < kPauseMax; ++i) pause *= 2;
  return std::chrono::duration_cast<seconds>(std::min(pause, kPauseMax) *
                                             (0.5 + random_fraction() / 2));
}

}  // namespace

// Shows proofs at every listener: the authority comes to the address that it finds for the name.
class Renewal::ListenerProver final : public Prover {
 public:
  ListenerProver(Challenges& challenges,
                 std::vector<std::shared_ptr<io::TlsServerContext>> listeners)
      : challenges_(challenges), listeners_(std::move(listeners)) {}

  Result<> show(const Proof& proof) override {
    if (proof.type == kHttp01) {
      challenges_.set(proof.token, proof.key_authorization);
      return {};
    }
    CUSP_TRY(const auto certificate,
             make_challenge_certificate(proof.domain, proof.key_authorization));
    for (const auto& listener : listeners_) {
      CUSP_CHECK(listener->set_challenge(proof.domain, certificate));
    }
    return {};
  }

  void hide(const Proof& proof) override {
    challenges_.remove(proof.token);
    for (const auto& listener : listeners_) (void)listener->set_challenge(proof.domain, nullptr);
  }

 private:
  Challenges& challenges_;
  const std::vector<std::shared_ptr<io::TlsServerContext>> listeners_;  // shared with the shards
};

io::TlsCertificate files_of(const std::string& state_directory, const Options& options,
                            const std::string& domain) {
  const std::string file = (folder_of(state_directory, options) / (domain + ".pem")).string();
  return {file, file};
}

io::Certificate::Time renewal_time(const io::Certificate& certificate, double jitter) {
  const auto lifetime = certificate.valid_until() - certificate.valid_from();
  const auto late = std::chrono::duration_cast<system_clock::duration>(lifetime * (jitter / 100));
  return certificate.valid_from() + lifetime * 2 / 3 + late;
}

Result<std::unique_ptr<Renewal>> Renewal::start(
    Options options, const std::string& state_directory, Challenges& challenges,
    std::vector<std::shared_ptr<io::TlsServerContext>> listeners, std::function<void()> renewed) {
  const fs::path folder = folder_of(state_directory, options);
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, "cannot make the folder for ACME: " + error.message(),
                folder.string());
  }
  CUSP_TRY(AccountKey key, AccountKey::load((folder / "account.key").string()));
  std::unique_ptr<Renewal> renewal(new Renewal(
      std::move(options), std::move(key),
      std::make_unique<ListenerProver>(challenges, std::move(listeners)), std::move(renewed)));
  for (const std::string& name : renewal->options_.domains) {
    Domain& domain = renewal->domains_.emplace_back();
    domain.name = name;
    domain.files = files_of(state_directory, renewal->options_, name);
    renewal->plan(domain);
  }
  renewal->thread_ =
      std::jthread([self = renewal.get()](std::stop_token stop) { self->run(std::move(stop)); });
  return renewal;
}

Renewal::Renewal(Options options, AccountKey key, std::unique_ptr<Prover> prover,
                 std::function<void()> renewed)
    : options_(std::move(options)),
      key_(std::move(key)),
      prover_(std::move(prover)),
      renewed_(std::move(renewed)) {}

// When the domain is due by what it has; at once when that is nothing that can be used.
void Renewal::plan(Domain& domain) {
  const auto certificate = io::Certificate::load(domain.files);
  domain.next = certificate ? renewal_time(**certificate, random_fraction()) : system_clock::now();
}

void Renewal::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any nap;
  while (!stop.stop_requested()) {
    auto next = system_clock::now() + kNapMax;
    for (Domain& domain : domains_) {
      if (domain.next <= system_clock::now()) {
        const auto result = renew(domain, stop);
        if (stop.stop_requested()) return;
        if (result) {
          domain.failures = 0;
          plan(domain);
          renewed_();
          log::info("ACME: {}", *result);  // it is in use by now
        } else {
          const seconds pause = pause_after(++domain.failures);
          log::error("ACME: no certificate for {}, trying again in {} s: {}", domain.name,
                     pause.count(), result.error().to_string());
          domain.next = system_clock::now() + pause;
        }
      }
      next = std::min(next, domain.next);
    }
    std::unique_lock lock(mutex);
    nap.wait_until(lock, stop, next, [] { return false; });
  }
}

Result<std::string> Renewal::renew(const Domain& domain, std::stop_token stop) {
  const std::string& challenge =
      options_.challenges[static_cast<size_t>(domain.failures) % options_.challenges.size()];
  CUSP_TRY(const std::string key, make_key());
  CUSP_TRY(const std::string csr, make_csr(key, domain.name));
  Client client(options_, key_, *prover_, stop);
  CUSP_TRY(const std::string chain, client.obtain(domain.name, csr, challenge));
  CUSP_TRY(const auto certificate, io::Certificate::parse(chain, key, domain.files));
  if (!certificate->is_for(domain.name)) {
    return fail(ErrorCode::kUnavailable, "the ACME server sent a certificate for another name");
  }
  if (certificate->valid_until() <= system_clock::now()) {
    return fail(ErrorCode::kUnavailable, "the ACME server sent a certificate that has expired");
  }
  CUSP_CHECK(write_file(domain.files.certificate_file, key + chain, 0600));
  return fmt::format("a certificate for {}, valid until {}, was proved by {}", domain.name,
                     io::to_string(certificate->valid_until()), challenge);
}

}  // namespace cusp::node::acme
