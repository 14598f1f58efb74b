;; world: proxy
;; version: 0.2.0-rc-2023-12-05
;; A handler of a release candidate of wasi:http, which differs from 0.2.0 only by its name in what
;; this guest uses.
(module
  ;; include: respond.part
  (data (i32.const 1024) "Hello from 2023\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $respond (local.get $out) (i32.const 1024) (i32.const 16))))
