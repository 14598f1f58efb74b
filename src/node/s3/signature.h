#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/s3/failure.h"
#include "node/s3/request.h"
#include "node/token_store.h"

// AWS Signature Version 4: who a request is from ("Authenticating Requests" in the API reference of
// Amazon S3).
namespace cusp::node::s3 {

// The token whose id is this access key; its secret is the secret key. Null: there is none, or not
// any more. Any thread.
using FindToken = std::function<TokenPtr(std::string_view id)>;

// What a request says about its signature.
struct Credential {
  std::string key_id;
  std::string day;                              // "20130524"
  std::string region;                           // any
  std::vector<std::string> signed_fields;       // names in lower case, sorted
  std::string signature;                        // 64 hexadecimal digits
  std::string time;                             // "20130524T000000Z"
  std::optional<std::chrono::seconds> expires;  // of a presigned URL; nothing: a field

  std::string scope() const;  // "20130524/us-east-1/s3/aws4_request"
};

// Reads the Authorization field, or a presigned URL's parameters. Failures: AccessDenied (neither),
// AuthorizationHeaderMalformed, AuthorizationQueryParametersError, InvalidRequest.
Answer<Credential> parse_credential(const http::Request& request, const Target& target);

// The key that requests of this day and region are signed with, made from the secret.
std::string signing_key(std::string_view secret, const Credential& credential);
// The signature that `credential` is to carry: 64 hexadecimal digits. `payload` is the digest of
// the body in hexadecimal, or what x-amz-content-sha256 has in its place.
std::string signature_of(const http::Request& request, const Target& target,
                         const Credential& credential, std::string_view payload,
                         std::string_view signing_key);

// How the chunks of a body are signed: each one's signature goes into the next one's.
struct ChunkSigner {
  std::string key;
  std::string time;
  std::string scope;
  std::string previous;

  // Whether `signature` is that of a chunk with this digest, or of the trailers. Goes on to the
  // next chunk if so.
  bool accept_chunk(std::string_view signature, std::string_view digest_hex);
  bool accept_trailers(std::string_view signature, std::string_view digest_hex);
};

// A request whose signature is right.
struct Verified {
  TokenPtr token;
  ChunkSigner chunks;
  std::string payload;  // x-amz-content-sha256
};

// Failures: InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied (an
// expired URL), and those of parse_credential().
Answer<Verified> verify(const http::Request& request, const Target& target, const FindToken& find,
                        std::chrono::sys_seconds now);

}  // namespace cusp::node::s3
