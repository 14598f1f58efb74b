#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/certificate.h"

namespace cusp::node {

// Tells when files change: by inode, size and time of the last change.
class FileWatch {
 public:
  explicit FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  // Whether the files are others than when this was last true, and have been the same in two looks:
  // what is written bit by bit is left alone until it is whole. The first look is true.
  bool changed();
  // The files as they are now count as seen.
  void take() { taken_ = seen_ = look(); }

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;  // no such file
    timespec time = {};
    bool operator==(const Stamp& other) const {
      return inode == other.inode && size == other.size && time.tv_sec == other.time.tv_sec &&
             time.tv_nsec == other.time.tv_nsec;
    }
  };
  using Look = std::vector<Stamp>;

  Look look() const;

  const std::vector<std::string> paths_;
  std::optional<Look> seen_;
  std::optional<Look> taken_;
};

// A certificate and its key in files, and the last of what stood there that could be used. Not
// thread-safe; blocking.
class WatchedCertificate {
 public:
  // `may_lack`: there need not be any files yet, something else makes them.
  explicit WatchedCertificate(io::TlsCertificate files, bool may_lack = false);

  // Reads the files. An expired certificate is served when there is no other, and the log says so.
  // Errors: those of io::Certificate::load.
  Result<> load();
  // Reads them again if they have changed, or in any case (`now`). True: there is another
  // certificate. What cannot be used (an expired one, too) is logged with its file and the reason,
  // and the last one stays.
  bool refresh(bool now);

  // Null before the first one.
  const std::shared_ptr<const io::Certificate>& certificate() const { return certificate_; }
  const io::TlsCertificate& files() const { return files_; }

 private:
  const io::TlsCertificate files_;
  const bool may_lack_;
  FileWatch watch_;
  std::shared_ptr<const io::Certificate> certificate_;  // shared with listeners
};

}  // namespace cusp::node
