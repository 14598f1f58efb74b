#include "store/object/incoming.h"

#include <utility>

#include "io/asio.h"

namespace cusp::store::object {

namespace {

// What goes to the pool at once: a hop for each part of a body would cost more than its bytes.
constexpr size_t kPieceBytes = 256 * limits::kKiB;

}  // namespace

Incoming::Incoming(Contents& contents, io::BlockingPool& pool, std::optional<Algorithm> algorithm)
    : contents_(contents), pool_(pool), algorithm_(algorithm) {
  if (algorithm && *algorithm != Algorithm::kSha256) hasher_.emplace(*algorithm);
}

Result<> Incoming::write() {
  if (!writer_) {
    CUSP_TRY(writer_, contents_.write());
  }
  md5_.update(piece_);
  if (hasher_) hasher_->update(piece_);
  CUSP_CHECK(writer_->append(piece_));
  piece_.clear();
  return {};
}

io::Task<Result<>> Incoming::append(std::string_view bytes) {
  piece_ += bytes;
  if (piece_.size() < kPieceBytes) co_return Result<>();
  Result<> written;
  co_await pool_.run([&] { written = write(); });
  co_return written;
}

Result<Received> Incoming::complete() {
  CUSP_CHECK(write());
  CUSP_TRY(Stored stored, writer_->finish());
  Received received{.stored = std::move(stored), .md5 = md5_.finish()};
  if (algorithm_) {
    received.checksum = {
        .algorithm = *algorithm_,
        .bytes = hasher_ ? hasher_->finish() : from_hex(received.stored.id.digest)};
  }
  return received;
}

io::Task<Result<Received>> Incoming::finish() {
  std::optional<Result<Received>> received;
  co_await pool_.run([&] { received = complete(); });
  co_return std::move(*received);
}

}  // namespace cusp::store::object
