#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "io/certificate.h"

namespace cusp::node {

// What a certificate's authority says about it (OCSP, RFC 6960), to be stapled to handshakes. Asked
// for where the certificate says (its Authority Information Access), kept in memory, asked for
// again at half of its time; when asking fails, after a while that doubles from 10 s to an hour.
// Only a response that says "good", that the authority has signed and that is valid now is ever
// stapled. ask() may run beside response(); take() may not.
class OcspStaple {
 public:
  // A certificate without a URL, or without its issuer in the chain, never has one.
  explicit OcspStaple(std::shared_ptr<const io::Certificate> certificate);

  struct Response {
    std::string der;
    io::Certificate::Time valid_until;  // RFC 6960 section 4.2.2.1: nextUpdate
  };

  // Whether it is time to call ask().
  bool due() const;
  // Blocking. Errors: those of the request, and everything that can be wrong with an answer.
  Result<Response> ask(std::stop_token stop) const;
  // Keeps what ask() brought. True: response() is another one now.
  bool take(Result<Response> response);

  // DER; empty: there is none to be stapled.
  const std::string& response() const { return response_.der; }

 private:
  const std::shared_ptr<const io::Certificate> certificate_;  // shared with its listeners
  Response response_;
  io::Certificate::Time next_;
  std::chrono::seconds pause_;
};

// Reads an answer and judges it. Errors: kInvalidArgument, each saying what is wrong.
Result<OcspStaple::Response> check_ocsp_response(const io::Certificate& certificate,
                                                 std::string_view der);

}  // namespace cusp::node
