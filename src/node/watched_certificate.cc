#include "node/watched_certificate.h"

#include <sys/stat.h>

#include "base/log.h"
#include "io/openssl.h"

namespace cusp::node {

namespace {

bool expired(const io::Certificate& certificate) {
  return certificate.valid_until() <= std::chrono::system_clock::now();
}

}  // namespace

FileWatch::Look FileWatch::look() const {
  Look look;
  for (const std::string& path : paths_) {
    struct stat status;
    Stamp& stamp = look.emplace_back();
    if (::stat(path.c_str(), &status) == 0) {
      stamp = {status.st_ino, status.st_size, status.st_mtim};
    }
  }
  return look;
}

bool FileWatch::changed() {
  Look now = look();
  if (now == taken_) return false;
  const bool settled = !taken_ || now == seen_;
  seen_ = now;
  if (settled) taken_ = std::move(now);
  return settled;
}

WatchedCertificate::WatchedCertificate(io::TlsCertificate files, bool may_lack)
    : files_(std::move(files)),
      may_lack_(may_lack),
      watch_({files_.certificate_file, files_.key_file}) {}

Result<> WatchedCertificate::load() {
  watch_.take();
  auto loaded = io::Certificate::load(files_);
  if (!loaded) {
    if (may_lack_ && loaded.error().code == ErrorCode::kNotFound) return {};
    return std::unexpected(loaded.error());
  }
  certificate_ = std::move(*loaded);
  if (expired(*certificate_)) {
    log::warn("TLS: {}: the certificate has expired: it was valid until {}",
              files_.certificate_file, io::to_string(certificate_->valid_until()));
  }
  return {};
}

bool WatchedCertificate::refresh(bool now) {
  if (now) {
    watch_.take();
  } else if (!watch_.changed()) {
    return false;
  }
  auto loaded = io::Certificate::load(files_);
  if (!loaded) {
    if (may_lack_ && !certificate_ && loaded.error().code == ErrorCode::kNotFound) return false;
    log::error("TLS: the certificate in use stays, the files have changed and cannot be used: {}",
               loaded.error().to_string());
    return false;
  }
  if (expired(**loaded) && certificate_) {
    log::error(
        "TLS: the certificate in use stays, the new one has expired: {}: it was valid until {}",
        files_.certificate_file, io::to_string((*loaded)->valid_until()));
    return false;
  }
  const bool other = !certificate_ || X509_cmp(certificate_->leaf(), (*loaded)->leaf()) != 0;
  certificate_ = std::move(*loaded);
  if (other)
    log::info("TLS: {}: a certificate valid until {} serves from now on", files_.certificate_file,
              io::to_string(certificate_->valid_until()));
  return true;
}

}  // namespace cusp::node
