#include "node/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace cusp::node {

namespace {

constexpr size_t kTextMax = 1024;  // of what a client may say: target, user agent, referrer

// A JSON string. What is not UTF-8 is replaced, what is too long is cut.
std::string json_string(std::string_view text) {
  return nlohmann::json(text.substr(0, kTextMax))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view version_name(http::Version version) {
  switch (version) {
    case http::Version::kHttp10: return "HTTP/1.0";
    case http::Version::kHttp11: return "HTTP/1.1";
    case http::Version::kHttp2: return "HTTP/2";
  }
  return "";
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     milliseconds.count());
}

void add_field(std::string& line, const http::Fields& fields, std::string_view name,
               std::string_view key) {
  if (const auto value = fields.get(name))
    line += fmt::format(",\"{}\":{}", key, json_string(*value));
}

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

class FileLog final : public AccessLog {
 public:
  FileLog(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {
    thread_ = std::thread([this] { run(); });
  }

  ~FileLog() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (descriptor_ != STDOUT_FILENO) ::close(descriptor_);
  }

  void reopen() override {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }

  void write(std::string_view line) override {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() + line.size() > kQueueBytesMax) {
        ++dropped_;
        return;
      }
      queue_.append(line);
    }
    wake_.notify_one();
  }

  static int open_file(const std::string& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  }

 private:
  void run() {
    std::string lines;
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return !queue_.empty() || stopping_; });
      if (queue_.empty()) return;
      lines.swap(queue_);
      if (const uint64_t dropped = std::exchange(dropped_, 0)) {
        lines += fmt::format("{{\"dropped\":{}}}\n", dropped);
      }
      const bool reopen = std::exchange(reopen_, false);
      lock.unlock();
      if (reopen) open_again();
      write_out(lines);
      lines.clear();
      lock.lock();
    }
  }

  void open_again() {
    if (descriptor_ == STDOUT_FILENO) return;
    const int descriptor = open_file(path_);
    if (descriptor < 0) {
      log::error("the access log {} cannot be opened again: {}", path_, std::strerror(errno));
      return;
    }
    ::close(std::exchange(descriptor_, descriptor));
  }

  void write_out(std::string_view lines) {
    while (!lines.empty()) {
      const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        if (!failed_) log::error("the access log {}: {}", path_, std::strerror(errno));
        failed_ = true;  // said once, until it works again
        return;
      }
      failed_ = false;
      lines.remove_prefix(static_cast<size_t>(written));
    }
  }

  const std::string path_;
  int descriptor_;       // of the writer
  bool failed_ = false;  // the same
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string queue_;
  uint64_t dropped_ = 0;
  bool reopen_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& path) {
  const int descriptor = path == "-" ? STDOUT_FILENO : FileLog::open_file(path);
  if (descriptor < 0) {
    const auto code = errno == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
    return fail(code, fmt::format("the access log cannot be opened: {}", std::strerror(errno)),
                path);
  }
  return std::make_unique<FileLog>(path, descriptor);
}

std::string access_log_notes(const edge::Exchange& exchange) {
  const http::Request& request = exchange.request;
  std::string notes = fmt::format(
      R"({{"time":"{}","trace_id":"{}","span_id":"{}","client":{},"protocol":"{}","scheme":"{}",)"
      R"("method":{},"host":{},"target":{})",
      timestamp(), exchange.trace.trace_id(), exchange.trace.span_id(),
      json_string(exchange.client.address), version_name(request.version), request.scheme,
      json_string(request.method), json_string(request.authority), json_string(request.target));
  add_field(notes, request.fields, "user-agent", "user_agent");
  add_field(notes, request.fields, "referer", "referer");
  return notes;
}

std::string access_log_line(const edge::Record& record) {
  std::string line = record.notes;
  line += fmt::format(R"(,"app":{},"route":{},"status":{},"bytes":{},"complete":{},"ms":{:.3f})",
                      json_string(record.app), json_string(record.route), record.status,
                      record.body_bytes, record.complete, milliseconds(record.total));
  if (!record.answered_by.empty())
    line += fmt::format(",\"by\":{}", json_string(record.answered_by));
  if (!record.cache_status.empty()) {
    line += fmt::format(",\"cache\":{}", json_string(record.cache_status));
  }
  line += ",\"phases\":{";
  for (size_t i = 0; i < edge::kPhases; ++i) {
    if (record.took[i].count() == 0) continue;
    if (line.back() != '{') line += ',';
    line += fmt::format("\"{}\":{:.3f}", to_string(static_cast<edge::Phase>(i)),
                        milliseconds(record.took[i]));
  }
  return line += "}}\n";
}

}  // namespace cusp::node
