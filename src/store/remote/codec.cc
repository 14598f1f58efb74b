#include "store/remote/codec.h"

namespace cusp::store::remote {

uint64_t Decoder::get_number() {
  if (rest_.size() < 8) {
    spoil();
    return 0;
  }
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    number |= uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
  }
  rest_.remove_prefix(8);
  return number;
}

size_t Decoder::get_count() {
  const uint64_t count = get_number();
  if (count <= rest_.size()) return count;
  spoil();
  return 0;
}

void Decoder::spoil() {
  good_ = false;
  rest_ = {};
}

}  // namespace cusp::store::remote
