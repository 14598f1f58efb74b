#pragma once

#include <functional>
#include <memory>

#include "base/result.h"

namespace CLI {
class App;
}

// The verbs of the command line, one file each. A verb declares its flags on the subcommand that it
// adds and leaves behind what is to run when it was chosen.
namespace cusp::cli {

// Runs the verb; its error becomes a message and an exit code (docs/operations/exit-codes.md).
using Action = std::function<Result<>()>;

// Each adds one subcommand to `app` and sets `chosen` when the command line names it.
void add_new(CLI::App& app, Action& chosen);
void add_dev(CLI::App& app, Action& chosen);
void add_build(CLI::App& app, Action& chosen);
void add_serve(CLI::App& app, Action& chosen);
void add_node(CLI::App& app, Action& chosen);
void add_explain(CLI::App& app, Action& chosen);
void add_purge(CLI::App& app, Action& chosen);
void add_secret(CLI::App& app, Action& chosen);
void add_token(CLI::App& app, Action& chosen);
void add_kv(CLI::App& app, Action& chosen);
void add_object(CLI::App& app, Action& chosen);
void add_backup(CLI::App& app, Action& chosen);  // and restore
void add_queue(CLI::App& app, Action& chosen);
void add_sql(CLI::App& app, Action& chosen);
void add_inspect(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);

}  // namespace cusp::cli
