// Long because it is the one place where both languages read what they promise each other.
//
// The engine's C ABI: everything that C++ knows of WebAssembly. It speaks in components,
// invocations and body chunks, never in engine calls. src/engine wraps it; no other C++ includes
// it. The Rust side is crates/cusp-engine/src/abi.rs.
//
// Rules for the whole file
// - Ownership: a pointer that a function returns belongs to the caller, who gives it back to the
//   `_free` function of its type. Arguments are borrowed for the length of the call. `cusp_bytes`
//   views point into the object they came from.
// - Threads: cusp_engine and cusp_component may be used by any thread at once. cusp_invocation,
//   cusp_body, cusp_outbound and cusp_call belong to the shard that made them; only its thread
//   calls them.
// - Callbacks run inside cusp_invocation_poll, on its thread, except `wake` and `allow_address`,
//   which any thread may call. A callback must not call back into the same invocation; it notes
//   what happened and returns.
// - Errors: a fallible function returns NULL for success or a cusp_error that the caller frees.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cusp_operations.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cusp_engine cusp_engine;
typedef struct cusp_component cusp_component;  // compiled and linked: instances are made from it
typedef struct cusp_instance cusp_instance;  // an instance that waits for its next request (reuse)
typedef struct cusp_invocation cusp_invocation;  // one run of a component for one request
typedef struct cusp_body cusp_body;              // the host's end of a body that a guest reads
typedef struct cusp_outbound cusp_outbound;      // a request that a guest sends
typedef struct cusp_call cusp_call;  // a guest's call of a capability, which waits for its answer
typedef struct cusp_error cusp_error;
typedef struct cusp_buffer cusp_buffer;  // bytes owned by the engine

typedef struct {
  const char* data;
  size_t size;
} cusp_bytes;

typedef struct {
  cusp_bytes name;
  cusp_bytes value;
} cusp_field;

typedef enum {
  CUSP_ERROR_INVALID = 1,  // not WebAssembly, or not a component that Cusp can run
  CUSP_ERROR_INTERNAL = 2,
} cusp_error_kind;

cusp_error_kind cusp_error_get_kind(const cusp_error*);
cusp_bytes cusp_error_message(const cusp_error*);
void cusp_error_free(cusp_error*);

cusp_bytes cusp_buffer_bytes(const cusp_buffer*);
void cusp_buffer_free(cusp_buffer*);

// ---- engine -----------------------------------------------------------------------------------

typedef struct {
  uint32_t instances_max;       // live component instances of the whole process
  size_t memory_keep_resident;  // bytes of a guest's memory that stay resident between instances
  size_t stack_keep_resident;
  size_t table_keep_resident;
} cusp_engine_options;

cusp_error* cusp_engine_create(const cusp_engine_options*, cusp_engine** out);
void cusp_engine_free(cusp_engine*);
// Ends the current time slice of every running guest: they hand their shard back within
// microseconds. One thread calls it.
void cusp_engine_tick(const cusp_engine*);
// Names engine version, its settings and the CPU's features: an artifact loads only where this is
// the same.
cusp_buffer* cusp_engine_fingerprint(const cusp_engine*);

// ---- component --------------------------------------------------------------------------------

// Turns what a developer has (component, core module with embedded component types, WASI command
// module, or the text form of these) into a component binary.
cusp_error* cusp_componentize(cusp_bytes wasm, cusp_buffer** out);

// Satisfies imports of `wasm` with other components. `imports[i]` is "ns:pkg/interface@version" or
// "ns:pkg".
cusp_error* cusp_compose(cusp_bytes wasm, const cusp_bytes* imports, const cusp_bytes* dependencies,
                         size_t count, cusp_buffer** out);

// What a component is, as JSON:
// {"kind","world","exports":[…],"imports":[{"name","status"}],"size","producers":[…], "core":{…}};
// status is "served", "known" (links, answers an error when called) or "unknown".
cusp_error* cusp_describe(cusp_bytes wasm, cusp_buffer** json);

// Compiles a component to an artifact, on all cores. Blocks for as long as it takes.
cusp_error* cusp_compile(const cusp_engine*, cusp_bytes wasm, cusp_buffer** artifact);

typedef struct {
  cusp_bytes source;       // host path, a folder
  cusp_bytes destination;  // guest path
} cusp_mount;

typedef enum {
  CUSP_SOCKET_TCP_CONNECT,
  CUSP_SOCKET_TCP_BIND,  // also of the wildcard address, port 0, before a connect or listen
  CUSP_SOCKET_UDP,
  CUSP_SOCKET_TCP_LISTEN,  // and accept
} cusp_socket_use;

// How a component's instances are set up. Copied by cusp_component_load.
typedef struct {
  cusp_bytes id;  // for messages
  const cusp_field* environment;
  size_t environment_count;
  const cusp_field* variables;  // wasi:config and spin variables
  size_t variables_count;
  const cusp_mount* mounts;  // read-only
  size_t mounts_count;
  uint64_t memory_bytes_max;
  uint64_t table_elements_max;
  uint32_t subrequests_max;
  bool allow_sockets;  // whether allow_address is worth asking
  void* user;          // passed to allow_address; outlives the component
  // Whether a guest's socket may use the address: `address` is "192.0.2.1" or "2001:db8::1". Any
  // thread.
  bool (*allow_address)(void* user, cusp_socket_use use, cusp_bytes address, uint16_t port);
} cusp_component_options;

// Loads an artifact file by mapping it. SAFETY: the file must be one that cusp_compile of an engine
// with the same fingerprint made, unchanged: forged machine code runs as it is. The caller has
// verified that.
cusp_error* cusp_component_load(const cusp_engine*, const char* artifact_path,
                                const cusp_component_options*, cusp_component** out);
void cusp_component_free(cusp_component*);
// The component's world: "wasi:http/incoming-handler@0.2", "wasi:http/handler@0.3",
// "wasi:cli/run@0.2", "fermyon:spin/inbound-http".
cusp_bytes cusp_component_world(const cusp_component*);

// ---- invocation -------------------------------------------------------------------------------

typedef struct {
  cusp_bytes method;
  cusp_bytes scheme;
  cusp_bytes authority;
  cusp_bytes target;  // path and query
  const cusp_field* fields;
  size_t fields_count;
  bool has_body;
} cusp_request;

typedef enum { CUSP_STDOUT = 1, CUSP_STDERR = 2 } cusp_stdio;

typedef enum {
  CUSP_NONE = 0,
  CUSP_BOOLEAN,  // integer, 0 or 1
  CUSP_INTEGER,
  CUSP_REAL,
  CUSP_TEXT,  // bytes, UTF-8
  CUSP_BLOB,  // bytes
} cusp_value_kind;

// What goes into a call and comes back.
typedef struct cusp_value {
  cusp_value_kind kind;
  union {
    int64_t integer;
    double real;
    cusp_bytes bytes;
  };
} cusp_value;

// What an invocation tells its host. `user` is the host's own object.
typedef struct {
  // Poll again, soon. May come from any thread, also during a poll; never after
  // cusp_invocation_free has returned.
  void (*wake)(void* user);
  // The guest waits for its request's body: push a chunk.
  void (*body_wanted)(void* user);
  // The guest wrote to stdout or stderr.
  void (*output)(void* user, cusp_stdio stream, cusp_bytes data);
  // The guest sends a request. `outbound` belongs to the host now.
  void (*outbound)(void* user, cusp_outbound* outbound);
  // The guest waits for the body of a response that it received; `outbound_user` came with
  // cusp_outbound_respond.
  void (*outbound_body_wanted)(void* outbound_user);
  // The guest calls a capability: cusp_operations.h says what the arguments are. `call` belongs to
  // the host now, which may answer it here and then: so the guest goes on without a pause.
  void (*call)(void* user, cusp_operation operation, const cusp_value* arguments, size_t count,
               cusp_call* call);
} cusp_callbacks;

// Starts a run. `callbacks` is static. `instance` (or NULL for a fresh one) came from
// cusp_invocation_take_instance of the same component and is consumed. With `keep` the instance can
// be taken again afterwards. Never fails: errors come with the first poll.
cusp_invocation* cusp_invocation_start(const cusp_component*, cusp_instance* instance, bool keep,
                                       const cusp_request*, const cusp_callbacks* callbacks,
                                       void* user);

// A WASI command as CGI: arguments and environment instead of a request. Its stdin is the request's
// body; what it writes to stdout comes from cusp_invocation_poll_body.
cusp_invocation* cusp_invocation_start_command(const cusp_component*, const cusp_field* environment,
                                               size_t environment_count,
                                               const cusp_bytes* arguments, size_t arguments_count,
                                               bool has_body, const cusp_callbacks* callbacks,
                                               void* user);

// Cancels what runs (the guest's stack is unwound), releases everything. No callback comes
// afterwards.
void cusp_invocation_free(cusp_invocation*);

typedef enum {
  CUSP_RUNNING = 0,   // waits for something; wake tells
  CUSP_YIELDED = 1,   // used up its time slice; poll again when others had theirs
  CUSP_FINISHED = 2,  // the guest has returned; the response's body may still hold chunks
  CUSP_FAILED = 3,    // the guest trapped or broke the rules: cusp_invocation_failure tells
} cusp_progress;

cusp_progress cusp_invocation_poll(cusp_invocation*);

typedef enum {
  CUSP_FAILURE_TRAP = 1,  // unreachable, out of bounds, exit …
  CUSP_FAILURE_STACK_OVERFLOW,
  CUSP_FAILURE_MEMORY,  // trapped after its memory limit refused it
  CUSP_FAILURE_TABLE,
  CUSP_FAILURE_NO_RESPONSE,  // returned without a response
  CUSP_FAILURE_ERROR_CODE,   // answered with a wasi:http error-code
  CUSP_FAILURE_EXHAUSTED,    // no room for another instance
  CUSP_FAILURE_BAD_REQUEST,  // the request cannot be expressed in the guest's interface
  CUSP_FAILURE_EXIT,         // a command ended with a status other than 0
  CUSP_FAILURE_INTERNAL,
} cusp_failure;

// After CUSP_FAILED: the kind, and one text with the guest's stack trace. The view lives until the
// invocation is freed.
cusp_failure cusp_invocation_failure(const cusp_invocation*, cusp_bytes* message);

// Whether a request for memory or table elements was refused during this run (0,
// CUSP_FAILURE_MEMORY or _TABLE).
int cusp_invocation_limit_hit(const cusp_invocation*);
// The largest linear memory of this run, in bytes.
uint64_t cusp_invocation_memory_peak(const cusp_invocation*);

typedef struct {
  uint16_t status;
  const cusp_field* fields;
  size_t fields_count;
} cusp_response;

// The head of the response, once; false while there is none. The views live until the next call for
// this invocation.
bool cusp_invocation_take_response(cusp_invocation*, cusp_response* out);

typedef enum {
  CUSP_BODY_PENDING = 0,  // nothing now; wake tells
  CUSP_BODY_CHUNK = 1,
  CUSP_BODY_END = 2,    // trailers, if any, are in `trailers`
  CUSP_BODY_ERROR = 3,  // cut off: the rest will never come
} cusp_body_state;

typedef struct {
  cusp_bytes data;
  const cusp_field* trailers;
  size_t trailers_count;
} cusp_chunk;

// The next chunk of the response's body. The views live until the next call for this invocation.
cusp_body_state cusp_invocation_poll_body(cusp_invocation*, cusp_chunk* out);
// The response's body is not wanted any more (the client left): the guest's writes fail from now
// on.
void cusp_invocation_drop_body(cusp_invocation*);

// The host's end of the request's body; NULL when the request has none. Belongs to the invocation.
cusp_body* cusp_invocation_request_body(cusp_invocation*);

// After CUSP_FINISHED and when the body has ended: the instance, to serve another request; NULL
// when it cannot.
cusp_instance* cusp_invocation_take_instance(cusp_invocation*);
void cusp_instance_free(cusp_instance*);

// ---- bodies that a guest reads ----------------------------------------------------------------

// Whether the guest waits for a chunk.
bool cusp_body_wanted(const cusp_body*);
// Whether the guest has dropped its end: what is pushed goes nowhere.
bool cusp_body_closed(const cusp_body*);
// Hands a chunk over (copied). At most one chunk waits; push only when the body is wanted.
void cusp_body_push(cusp_body*, cusp_bytes chunk);
void cusp_body_finish(cusp_body*, const cusp_field* trailers, size_t trailers_count);

// wasi:http's error-code, those that a host can cause.
typedef enum {
  CUSP_HTTP_INTERNAL = 0,
  CUSP_HTTP_DNS_ERROR,
  CUSP_HTTP_DNS_TIMEOUT,
  CUSP_HTTP_DESTINATION_PROHIBITED,
  CUSP_HTTP_CONNECTION_REFUSED,
  CUSP_HTTP_CONNECTION_TIMEOUT,
  CUSP_HTTP_CONNECTION_TERMINATED,
  CUSP_HTTP_TLS_CERTIFICATE_ERROR,
  CUSP_HTTP_TLS_PROTOCOL_ERROR,
  CUSP_HTTP_READ_TIMEOUT,
  CUSP_HTTP_RESPONSE_INCOMPLETE,
  CUSP_HTTP_PROTOCOL_ERROR,
  CUSP_HTTP_RESPONSE_TOO_LARGE,
  CUSP_HTTP_REQUEST_INVALID,
  CUSP_HTTP_REQUEST_DENIED,
  CUSP_HTTP_REQUEST_TOO_LARGE,
  CUSP_HTTP_LIMIT_REACHED,
} cusp_http_error;

// The body broke off; the guest sees `error`.
void cusp_body_fail(cusp_body*, cusp_http_error error);

// ---- requests that a guest sends --------------------------------------------------------------

typedef struct {
  cusp_request request;
  uint64_t connect_timeout_ms;  // 0: the host's default
  uint64_t first_byte_timeout_ms;
  uint64_t between_bytes_timeout_ms;
} cusp_outbound_request;

// The request, valid until cusp_outbound_free.
void cusp_outbound_get(cusp_outbound*, cusp_outbound_request* out);
// The next chunk of its body. A PENDING one calls `wake` with `user` when there is more.
cusp_body_state cusp_outbound_poll_body(cusp_outbound*, void (*wake)(void* user), void* user,
                                        cusp_chunk* out);
// Answers with a head; the guest reads the body that the returned cusp_body feeds (freed with
// cusp_body_free). NULL when the guest does not wait for the answer any more. `user` is for
// outbound_body_wanted.
cusp_body* cusp_outbound_respond(cusp_outbound*, uint16_t status, const cusp_field* fields,
                                 size_t fields_count, void* user);
// Answers with an error. `message` may be empty.
void cusp_outbound_fail(cusp_outbound*, cusp_http_error error, cusp_bytes message);
void cusp_outbound_free(cusp_outbound*);
// Ends the host's interest in a response's body: what was not finished breaks off for the guest. No
// callback afterwards.
void cusp_body_free(cusp_body*);

// ---- calls of capabilities --------------------------------------------------------------------

// Why a call fails, in terms that the interfaces of guests have words for.
typedef enum {
  CUSP_CALL_OTHER = 0,
  CUSP_CALL_DENIED,     // the manifest does not grant it
  CUSP_CALL_NOT_FOUND,  // there is no such store, database …
  CUSP_CALL_INVALID,    // an argument that can never work
  CUSP_CALL_CONFLICT,   // something changed meanwhile: read again
  CUSP_CALL_LIMIT,      // more than a limit allows
  CUSP_CALL_BUSY,       // may work later
} cusp_call_error;

// Ends the call with its answer; the values are copied. Has no effect on a call that was ended, or
// whose guest has gone. May wake the invocation.
void cusp_call_answer(cusp_call*, const cusp_value* values, size_t count);
// Ends the call with an error, in the same way. `message` is for the guest's author.
void cusp_call_fail(cusp_call*, cusp_call_error error, cusp_bytes message);
// Freed without an end, it fails for the guest. May outlive its invocation.
void cusp_call_free(cusp_call*);

#ifdef __cplusplus
}
#endif
