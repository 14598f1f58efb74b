;; wit: inbound-http.wit
;; world: http-trigger
;; shape: embedded
;; A handler of Spin 1, as its SDK built them: a core module with its component type. Answers with
;; the URI that it was asked for.
(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 4096))

  ;; A bump allocator, enough for one request: every block is 8-aligned, none is freed.
  (func $realloc (export "cabi_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $block i32)
    (local.set $block (global.get $free))
    (global.set $free
      (i32.and (i32.add (i32.add (local.get $block) (local.get $size)) (i32.const 7))
               (i32.const -8)))
    (if (i32.gt_u (global.get $free) (i32.const 131072)) (then unreachable))
    (local.get $block))

  ;; The response is a record at address 16: status at 0, headers at 4 (none), body at 16 (some).
  (func (export "fermyon:spin/inbound-http#handle-request")
    (param $method i32) (param $uri i32) (param $uri_length i32)
    (param $headers i32) (param $headers_length i32) (param $params i32) (param $params_length i32)
    (param $has_body i32) (param $body i32) (param $body_length i32) (result i32)
    (i32.store16 (i32.const 16) (i32.const 200))
    (i32.store8 (i32.const 20) (i32.const 0))
    (i32.store8 (i32.const 32) (i32.const 1))
    (i32.store (i32.const 36) (local.get $uri))
    (i32.store (i32.const 40) (local.get $uri_length))
    (i32.const 16)))
