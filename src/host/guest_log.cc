#include "host/guest_log.h"

#include "base/log.h"

namespace cusp::host {

void GuestLog::write(engine::Stdio stream, std::string_view data) {
  if (flooded_) return;
  bytes_ += data.size();
  if (bytes_ > limits::kGuestLogBytesMax) {
    flooded_ = true;
    log::warn("[{}] printed more than {} KiB in one request: the rest is dropped", label_,
              limits::kGuestLogBytesMax / limits::kKiB);
    return;
  }
  std::string& partial = partial_[static_cast<size_t>(stream)];
  while (!data.empty()) {
    const size_t end = data.find('\n');
    partial.append(data.substr(0, end));
    if (end == data.npos) {
      if (partial.size() >= limits::kGuestLogLineBytesMax) line(stream, partial), partial.clear();
      return;
    }
    line(stream, partial);
    partial.clear();
    data.remove_prefix(end + 1);
  }
}

void GuestLog::line(engine::Stdio stream, std::string_view text) {
  const std::string_view cut = text.substr(0, limits::kGuestLogLineBytesMax);
  if (stream == engine::Stdio::kStderr) {
    log::info("[{}] stderr: {}", label_, cut);
  } else {
    log::info("[{}] {}", label_, cut);
  }
}

GuestLog::~GuestLog() {
  for (const auto stream : {engine::Stdio::kStdout, engine::Stdio::kStderr}) {
    const std::string& partial = partial_[static_cast<size_t>(stream)];
    if (!partial.empty()) line(stream, partial);
  }
}

}  // namespace cusp::host
