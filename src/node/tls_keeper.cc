#include "node/tls_keeper.h"

#include "base/file.h"
#include "base/log.h"

namespace cusp::node {

namespace {

constexpr std::chrono::seconds kLookEvery{2};

bool speaks_tls(const TlsSetup& setup) {
  return !setup.certificates.empty() || !setup.issued.empty();
}

}  // namespace

Result<std::unique_ptr<TlsKeeper>> TlsKeeper::create(const std::vector<TlsSetup>& listeners) {
  std::unique_ptr<TlsKeeper> keeper(new TlsKeeper);
  bool any = false;
  for (const TlsSetup& setup : listeners) {
    CUSP_CHECK(add(*keeper, setup));
    any |= speaks_tls(setup);
  }
  if (any) {
    keeper->thread_ =
        std::jthread([self = keeper.get()](std::stop_token stop) { self->run(std::move(stop)); });
  }
  return keeper;
}

TlsKeeper::~TlsKeeper() = default;

Result<> TlsKeeper::add(TlsKeeper& keeper, const TlsSetup& setup) {
  Listener listener = {.client_ca_watch = FileWatch({setup.client_ca})};
  if (speaks_tls(setup)) {
    for (const auto& files : setup.certificates) listener.certificates.emplace_back(files);
    for (const auto& files : setup.issued) listener.certificates.emplace_back(files, true);
    for (auto& certificate : listener.certificates) CUSP_CHECK(certificate.load());
    if (setup.clients != io::ClientCertificates::kNone) {
      listener.client_ca_file = setup.client_ca;
      listener.client_ca_watch.take();
      CUSP_TRY(listener.client_ca_pem, read_file(setup.client_ca));
    }
    listener.context = io::make_tls_listener_context({.clients = setup.clients});
    CUSP_CHECK(keeper.present(listener));
  }
  keeper.listeners_.push_back(std::move(listener));
  return {};
}

std::shared_ptr<io::TlsServerContext> TlsKeeper::context(size_t index) const {
  return listeners_[index].context;
}

std::vector<std::shared_ptr<io::TlsServerContext>> TlsKeeper::contexts() const {
  std::vector<std::shared_ptr<io::TlsServerContext>> contexts;
  for (const Listener& listener : listeners_) {
    if (listener.context) contexts.push_back(listener.context);
  }
  return contexts;
}

void TlsKeeper::refresh() { look(true); }

void TlsKeeper::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    staple(stop);
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kLookEvery, [] { return false; });
    }
    if (!stop.stop_requested()) look(false);
  }
}

void TlsKeeper::look(bool now) {
  const std::lock_guard lock(mutex_);
  for (Listener& listener : listeners_) {
    if (!listener.context) continue;
    bool changed = read_client_ca(listener, now);
    for (auto& certificate : listener.certificates) changed |= certificate.refresh(now);
    if (!changed) continue;
    if (const auto result = present(listener); !result) {
      log::error("TLS: everything stays as it was: {}", result.error().to_string());
    }
  }
}

bool TlsKeeper::read_client_ca(Listener& listener, bool now) {
  if (listener.client_ca_file.empty()) return false;
  if (now) {
    listener.client_ca_watch.take();
  } else if (!listener.client_ca_watch.changed()) {
    return false;
  }
  auto pem = read_file(listener.client_ca_file);
  const auto usable = pem ? io::check_authorities(*pem, listener.client_ca_file)
                          : Result<>(std::unexpected(pem.error()));
  if (!usable) {
    log::error("TLS: the authorities for clients stay, the file has changed and cannot be used: {}",
               usable.error().to_string());
    return false;
  }
  if (*pem == listener.client_ca_pem) return false;
  log::info("TLS: {}: other authorities for clients from now on", listener.client_ca_file);
  listener.client_ca_pem = std::move(*pem);
  return true;
}

Result<> TlsKeeper::present(Listener& listener) {
  io::TlsMaterial material = {.client_ca_pem = listener.client_ca_pem,
                              .client_ca_file = listener.client_ca_file};
  for (const auto& watched : listener.certificates) {
    const auto& certificate = watched.certificate();
    if (!certificate) continue;
    const auto staple = staples_.find(certificate.get());
    material.certificates.push_back(
        {certificate, staple == staples_.end() ? "" : staple->second->response()});
  }
  return listener.context->use(std::move(material));
}

// Asks without the lock: the answer may take its time, and the files are looked after meanwhile.
void TlsKeeper::staple(std::stop_token stop) {
  std::vector<OcspStaple*> due;
  {
    const std::lock_guard lock(mutex_);
    std::map<const io::Certificate*, std::unique_ptr<OcspStaple>> staples;
    for (const Listener& listener : listeners_) {
      for (const auto& watched : listener.certificates) {
        const auto& certificate = watched.certificate();
        if (!certificate || staples.contains(certificate.get())) continue;
        auto& staple = staples[certificate.get()];
        const auto known = staples_.find(certificate.get());
        staple = known != staples_.end() ? std::move(known->second)
                                         : std::make_unique<OcspStaple>(certificate);
        if (staple->due()) due.push_back(staple.get());
      }
    }
    staples_ = std::move(staples);
  }
  bool changed = false;
  for (OcspStaple* staple : due) {
    auto response = staple->ask(stop);
    const std::lock_guard lock(mutex_);
    changed |= staple->take(std::move(response));
  }
  if (!changed) return;
  const std::lock_guard lock(mutex_);
  for (Listener& listener : listeners_) {
    if (!listener.context) continue;
    if (const auto result = present(listener); !result) {
      log::error("TLS: everything stays as it was: {}", result.error().to_string());
    }
  }
}

}  // namespace cusp::node
