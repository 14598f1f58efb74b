#pragma once

#include <string>
#include <vector>

#include "edge/assets/body.h"
#include "http/message.h"

namespace cusp::edge {

// What a client gets of a file: what its conditions and ranges leave of it (RFC 9110 sections 13
// and 14).
struct AssetAnswer {
  http::Response response;             // without its body
  std::vector<AssetSegment> segments;  // of the body; none: there is none
};

// `fields` are those of the whole, with its etag, last-modified and content-type. With a status
// other than 200, conditions and ranges do not count.
AssetAnswer answer_asset(const http::Request& request, const Asset& asset, uint16_t status,
                         http::Fields fields);

}  // namespace cusp::edge
