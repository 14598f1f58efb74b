;; wit: ../candidates/rc-2023-10-18/wit/candidate.wit
;; world: handler
;; shape: embedded
;; What spin-sdk 2 and the compilers of its time made: a core module for wasi:http of 2023-10-18 and
;; for WASI preview 1, whose adapter takes a page of its memory. It answers one line and logs
;; another.
(module
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[constructor]fields"
    (func $fields (param $entries i32) (param $count i32) (result i32)))
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[constructor]outgoing-response"
    (func $response (param $status i32) (param $headers i32) (result i32)))
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[method]outgoing-response.write"
    (func $response_body (param $response i32) (param $result i32)))
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[method]outgoing-body.write"
    (func $body_write (param $body i32) (param $result i32)))
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[static]outgoing-body.finish"
    (func $body_finish (param $body i32) (param $has_trailers i32) (param $trailers i32)))
  (import "wasi:http/types@0.2.0-rc-2023-10-18" "[static]response-outparam.set"
    (func $set (param $out i32) (param $is_error i32) (param $response i32) (param i32 i32)))
  (import "wasi:io/streams@0.2.0-rc-2023-10-18" "[method]output-stream.blocking-write-and-flush"
    (func $write (param $stream i32) (param $bytes i32) (param $length i32) (param $result i32)))
  (import "wasi:io/streams@0.2.0-rc-2023-10-18" "[resource-drop]output-stream"
    (func $drop_stream (param $stream i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param $fd i32) (param $parts i32) (param $count i32) (param $written i32)
      (result i32)))

  (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 4096))
  ;; Where the next line's bytes are and how many: one part of a gathered write.
  (data (i32.const 512) "\00\05\00\00\0f\00\00\00")
  (data (i32.const 1024) "Hello from October 2023\n")
  (data (i32.const 1280) "logged in 2023\n")

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  ;; Results are written at address 0: one byte that says ok or error, the payload at 4.
  (func (export "wasi:http/incoming-handler@0.2.0-rc-2023-10-18#handle")
    (param $request i32) (param $out i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (drop (call $fd_write (i32.const 2) (i32.const 512) (i32.const 1) (i32.const 520)))
    (local.set $response
      (call $response (i32.const 203) (call $fields (i32.const 0) (i32.const 0))))
    (call $response_body (local.get $response) (i32.const 0))
    (local.set $body (i32.load (i32.const 4)))
    (call $set (local.get $out) (i32.const 0) (local.get $response) (i32.const 0) (i32.const 0))
    (call $body_write (local.get $body) (i32.const 0))
    (local.set $stream (i32.load (i32.const 4)))
    (call $write (local.get $stream) (i32.const 1024) (i32.const 24) (i32.const 0))
    (call $drop_stream (local.get $stream))
    (call $body_finish (local.get $body) (i32.const 0) (i32.const 0))))
