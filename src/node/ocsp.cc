#include "node/ocsp.h"

#include <openssl/ocsp.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "io/openssl.h"
#include "node/ask.h"

namespace cusp::node {

namespace {

using io::Free;
using std::chrono::system_clock;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Free<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, Free<OCSP_CERTID_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;

constexpr std::chrono::seconds kPauseMin{10};
constexpr std::chrono::seconds kPauseMax{3600};
// For an answer that does not say when the next one is there.
constexpr std::chrono::hours kValidByDefault{1};
constexpr std::chrono::seconds kAnswerTimeout{10};
constexpr size_t kAnswerBytesMax = 64 * 1024;
// Clocks differ; an answer may be made a little later than now.
constexpr long kClockSkewSeconds = 300;

std::unexpected<Error> refused(std::string why) {
  ERR_clear_error();
  return fail(ErrorCode::kInvalidArgument, std::move(why));
}

IdPtr id_of(const io::Certificate& certificate) {
  return IdPtr(OCSP_cert_to_id(EVP_sha1(), certificate.leaf(), certificate.issuer()));
}

std::string request_for_status(const io::Certificate& certificate) {
  const RequestPtr request(OCSP_REQUEST_new());
  OCSP_request_add0_id(request.get(), id_of(certificate).release());
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_REQUEST(request.get(), &der);
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return text;
}

io::Certificate::Time time_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm calendar = {};
  ASN1_TIME_to_tm(time, &calendar);
  return system_clock::from_time_t(::timegm(&calendar));
}

// Signed by the issuer, or by whom the issuer has given that right (RFC 6960 section 4.2.2.2).
bool signed_by_issuer(OCSP_BASICRESP* basic, const io::Certificate& certificate) {
  const StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), certificate.issuer());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return OCSP_basic_verify(basic, certificate.chain(), store.get(), 0) == 1;
}

}  // namespace

OcspStaple::OcspStaple(std::shared_ptr<const io::Certificate> certificate)
    : certificate_(std::move(certificate)), pause_(kPauseMin) {
  const bool asks = !certificate_->ocsp_url().empty() && certificate_->issuer() != nullptr;
  next_ = asks ? system_clock::now() : io::Certificate::Time::max();
}

bool OcspStaple::due() const { return system_clock::now() >= next_; }

Result<OcspStaple::Response> OcspStaple::ask(std::stop_token stop) const {
  CUSP_TRY(http::Request request, request_for("POST", certificate_->ocsp_url()));
  request.fields.set("content-type", "application/ocsp-request");
  std::string question = request_for_status(*certificate_);
  // Responders are simple servers: not all of them know a body in chunks.
  request.fields.set("content-length", std::to_string(question.size()));
  request.body = http::make_body(std::move(question));
  CUSP_TRY(const Answer answer,
           node::ask(std::move(request), kAnswerBytesMax,
                     {.client = {.first_byte_timeout = kAnswerTimeout}, .stop = stop}));
  if (answer.status != 200) {
    return fail(ErrorCode::kUnavailable, fmt::format("the responder answered {}", answer.status));
  }
  return check_ocsp_response(*certificate_, answer.body);
}

bool OcspStaple::take(Result<Response> response) {
  const auto now = system_clock::now();
  if (response) {
    pause_ = kPauseMin;
    next_ = now + (response->valid_until - now) / 2;
    const bool other = response->der != response_.der;
    response_ = std::move(*response);
    return other;
  }
  log::warn("TLS: no OCSP response for {} from {}: {}",
            certificate_->names().empty() ? "a certificate" : certificate_->names().front(),
            certificate_->ocsp_url(), response.error().to_string());
  next_ = now + pause_;
  pause_ = std::min(pause_ * 2, kPauseMax);
  if (response_.der.empty()) return false;
  if (response_.valid_until > now) {
    next_ = std::min(next_, response_.valid_until);
    return false;
  }
  response_ = {};
  return true;
}

Result<OcspStaple::Response> check_ocsp_response(const io::Certificate& certificate,
                                                 std::string_view der) {
  if (certificate.issuer() == nullptr) return refused("the chain lacks the certificate's issuer");
  auto data = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = data + der.size();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(der.size())));
  if (!response || data != end) return refused("the answer is not an OCSP response");
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refused(fmt::format("the responder says: {}", OCSP_response_status_str(status)));
  }
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return refused("the answer is of a kind that nobody knows");
  if (!signed_by_issuer(basic.get(), certificate)) {
    return refused("the certificate's issuer has not signed the answer: " + io::openssl_reason());
  }
  int status = 0;
  int reason = 0;
  ASN1_GENERALIZEDTIME* made = nullptr;
  ASN1_GENERALIZEDTIME* next = nullptr;
  if (OCSP_resp_find_status(basic.get(), id_of(certificate).get(), &status, &reason, nullptr, &made,
                            &next) != 1) {
    return refused("the answer is about another certificate");
  }
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return refused(fmt::format("the certificate is {}", OCSP_cert_status_str(status)));
  }
  if (OCSP_check_validity(made, next, kClockSkewSeconds, -1) != 1) {
    return refused("the answer is not valid now: " + io::openssl_reason());
  }
  const auto now = system_clock::now();
  const auto until = next != nullptr ? time_of(next) : now + kValidByDefault;
  if (until <= now) return refused("the answer is not valid any more");
  return OcspStaple::Response{.der = std::string(der), .valid_until = until};
}

}  // namespace cusp::node
