#include "node/s3/unsupported.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "node/s3/operation.h"

namespace cusp::node::s3 {

namespace {

// Parts of S3's API that this is not, by the parameter that names them.
constexpr std::array<std::string_view, 31> kParameters{"accelerate",
                                                       "acl",
                                                       "analytics",
                                                       "attributes",
                                                       "cors",
                                                       "encryption",
                                                       "intelligent-tiering",
                                                       "inventory",
                                                       "legal-hold",
                                                       "lifecycle",
                                                       "logging",
                                                       "metrics",
                                                       "notification",
                                                       "object-lock",
                                                       "ownershipControls",
                                                       "policy",
                                                       "policyStatus",
                                                       "publicAccessBlock",
                                                       "replication",
                                                       "requestPayment",
                                                       "restore",
                                                       "retention",
                                                       "select",
                                                       "tagging",
                                                       "torrent",
                                                       "website",
                                                       "metadataTable",
                                                       "session",
                                                       "renameObject",
                                                       "metadataConfiguration",
                                                       "append"};

// The same by field; with "-" at its end it stands for all that begin so.
constexpr std::array<std::string_view, 8> kFields{"x-amz-bucket-object-lock-enabled",
                                                  "x-amz-copy-source-server-side-encryption-",
                                                  "x-amz-grant-",
                                                  "x-amz-object-lock-",
                                                  "x-amz-server-side-encryption",
                                                  "x-amz-server-side-encryption-",
                                                  "x-amz-tagging",
                                                  "x-amz-website-redirect-location"};
// What holds for every object here: those with the right token may use it.
constexpr std::array<std::string_view, 3> kAcls{"private", "bucket-owner-read",
                                                "bucket-owner-full-control"};

bool is_supported(const http::Fields::Field& field) {
  if (field.name == "x-amz-acl") return std::ranges::find(kAcls, field.value) != kAcls.end();
  return std::ranges::none_of(kFields, [&](std::string_view name) {
    return name.ends_with('-') ? field.name.starts_with(name) : field.name == name;
  });
}

}  // namespace

Answer<> check_supported(const http::Fields& fields, const Target& target) {
  for (const auto& parameter : kParameters) {
    if (target.has(parameter)) return not_implemented(parameter);
  }
  if (target.has("versionId") && target.get("versionId") != kOnlyVersion) return no_such_version();
  for (const auto& field : fields) {
    if (!is_supported(field)) return not_implemented(field.name);
  }
  return {};
}

}  // namespace cusp::node::s3
