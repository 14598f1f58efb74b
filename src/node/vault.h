#pragma once

#include <memory>

#include "app/variables.h"

namespace cusp::node {

// Values from a server of Vault's HTTP API (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2,
// "Read secret version"), asked for each variable when an application is loaded. A variable that it
// does not have is the next provider's. Blocking, thread-safe. Errors: kUnavailable (it does not
// answer, or with something else), kPermissionDenied (the token may not read it); neither has the
// token or a value.
std::unique_ptr<app::VariableProvider> make_vault_provider(app::VaultOptions options);

}  // namespace cusp::node
