;; world: proxy
;; Answers every request with 200 and one line, by the canonical ABI alone: no language runtime.
(module
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response"
    (func $response (param $headers i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body"
    (func $response_body (param $response i32) (param $result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write"
    (func $body_write (param $body i32) (param $result i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish"
    (func $body_finish (param $body i32) (param $has_trailers i32) (param $trailers i32)
      (param $result i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param $out i32) (param $is_error i32) (param $response i32)
      (param i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param $stream i32) (param $bytes i32) (param $length i32) (param $result i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream"
    (func $drop_stream (param $stream i32)))

  (memory (export "memory") 1)
  (data (i32.const 1024) "Hello from WAT\n")

  ;; Nothing that this module calls makes the host allocate in its memory.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)

  ;; Results are written at address 0: one byte that says ok or error, the payload at 4.
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (local.set $response (call $response (call $fields)))
    (call $response_body (local.get $response) (i32.const 0))
    (local.set $body (i32.load (i32.const 4)))
    (call $set (local.get $out) (i32.const 0) (local.get $response)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $body_write (local.get $body) (i32.const 0))
    (local.set $stream (i32.load (i32.const 4)))
    (call $write (local.get $stream) (i32.const 1024) (i32.const 15) (i32.const 0))
    (call $drop_stream (local.get $stream))
    (call $body_finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0))))
