#pragma once

#include "edge/exchange.h"
#include "http/client.h"
#include "http/message.h"

// How a message changes on its way through an intermediary (RFC 9110 section 7.6).
namespace cusp::edge {

// The request as an upstream gets it; the body is moved out of `request`. What is meant for this
// hop alone is gone, and the fields x-forwarded-for, -proto and -host say who asked for what.
http::Request forward(http::Request& request, const Client& client);

// How many nodes of our kind a request has passed, as its CDN-Loop field tells (RFC 8586).
size_t hops_of(const http::Fields& fields);

// Takes out the fields that are meant for one hop (RFC 9110 section 7.6.1).
void remove_hop_by_hop(http::Fields& fields);

// What a client sees of an upstream that gave no response: 502 or 504 (RFC 9110 section 15.6).
http::Response failure_response(http::ClientFailure failure);

}  // namespace cusp::edge
