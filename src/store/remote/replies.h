#pragma once

#include <string>
#include <utility>

#include "store/remote/codec.h"

// The messages that Answers makes. For .cc files.
namespace cusp::store::remote {

template <class T>
std::string encoded(const Result<T>& result) {
  Encoder encoder;
  encoder(result);
  return encoder.take();
}

inline std::string refusal(std::string why) {
  return encoded(Result<>(fail(ErrorCode::kInvalidArgument, std::move(why))));
}

// What `perform` answers to the arguments, if they are what it takes.
template <class Arguments, class Perform>
std::string with(Decoder& decoder, Perform perform) {
  Arguments arguments;
  decoder(arguments);
  if (!decoder.complete()) return refusal("the arguments of this request are malformed");
  return encoded(perform(std::move(arguments)));
}

}  // namespace cusp::store::remote
